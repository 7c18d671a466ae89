// SPDX-License-Identifier: Apache-2.0
// Which screens a role has, in the order of their use.  What a screen may read is decided by the service, not here.
import type { ComponentType } from 'preact';
import { hasRole, type Me, type Role } from '../core/session';
import type { Key } from '../i18n';
import { DeskScreen } from './desk';
import { HouseScreen } from './house';

export interface Screen {
  id: string;
  title: Key;
  roles: Role[];
  view: ComponentType<{ me: Me }>;
}

const screens: Screen[] = [
  { id: 'desk', title: 'desk.title', roles: ['counsellor', 'shift_lead'], view: DeskScreen },
  { id: 'house', title: 'house.title', roles: ['shelter_staff', 'shelter_manager'], view: HouseScreen },
];

export const screensFor = (me: Me): Screen[] => screens.filter((s) => hasRole(me, ...s.roles));
