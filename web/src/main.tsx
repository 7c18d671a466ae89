// SPDX-License-Identifier: Apache-2.0
import { render } from 'preact';
import { App } from './app';
import { start } from './core/session';
import './styles/base.css';
import './styles/parts.css';
import './styles/screens.css';

const place = document.getElementById('app');
if (place) {
  render(<App />, place);
  start();
}
