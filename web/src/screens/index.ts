// SPDX-License-Identifier: Apache-2.0
// Which screens a role has, in the order of their use.  What a screen may read is decided by the service, not here.
import type { ComponentType } from 'preact';
import { hasRole, type Me, type Role } from '../core/session';
import type { Key } from '../i18n';
import { AccountScreen } from './account';
import { DeskScreen } from './desk';
import { DevicesScreen } from './devices';
import { HouseScreen } from './house';
import { HousesScreen } from './houses';
import { LeadScreen } from './lead';
import { OrgsScreen } from './orgs';
import { PeopleScreen } from './people';
import { StatisticsScreen } from './statistics';
import { SupportScreen } from './support';
import { TrailScreen } from './trail';

export interface Screen {
  id: string;
  title: Key;
  roles: Role[];
  view: ComponentType<{ me: Me }>;
}

const screens: Screen[] = [
  { id: 'desk', title: 'desk.title', roles: ['counsellor', 'shift_lead'], view: DeskScreen },
  { id: 'lead', title: 'lead.title', roles: ['shift_lead'], view: LeadScreen },
  { id: 'house', title: 'house.title', roles: ['shelter_staff', 'shelter_manager'], view: HouseScreen },
  { id: 'support', title: 'support.title', roles: ['family_support'], view: SupportScreen },
  { id: 'houses', title: 'houses.title', roles: ['shelter_manager', 'admin'], view: HousesScreen },
  { id: 'orgs', title: 'orgs.title', roles: ['admin'], view: OrgsScreen },
  { id: 'people', title: 'people.title', roles: ['admin', 'shelter_manager', 'shift_lead'], view: PeopleScreen },
  { id: 'devices', title: 'devices.title', roles: ['admin', 'shelter_manager'], view: DevicesScreen },
  { id: 'trail', title: 'trail.title', roles: ['auditor', 'admin', 'shift_lead', 'shelter_manager', 'family_support'], view: TrailScreen },
  { id: 'statistics', title: 'statistics.title', roles: ['statistician', 'shift_lead'], view: StatisticsScreen },
];

const account: Screen = { id: 'account', title: 'account.title', roles: [], view: AccountScreen };

export const screensFor = (me: Me): Screen[] => [...screens.filter((s) => hasRole(me, ...s.roles)), account];
