// SPDX-License-Identifier: Apache-2.0
import { render } from 'preact';
import { App } from './app';
import { start } from './core/session';
import { loadTexts } from './i18n';
import './styles/base.css';
import './styles/parts.css';
import './styles/screens.css';

const place = document.getElementById('app');
if (place) {
  await loadTexts();
  render(<App />, place);
  start();
}
