import type { CompiledPolicy, FilterRule } from '@pcloud/netmap';

/** Who may see whom, and what receivers let in. Nodes of one class have the same rights, and are the same to others. */
export interface Rights extends Pick<CompiledPolicy, 'classOf' | 'sees' | 'userOf' | 'groupOf' | 'groupsSee'> {
  /** What a receiver of this class lets in; undefined: everything. */
  filterFor(className: string): readonly FilterRule[] | undefined;
}

/** Everybody sees everybody, and lets in everything. */
export const OPEN_RIGHTS: Rights = {
  classOf: () => 'all',
  sees: () => true,
  userOf: () => '',
  groupOf: () => 'all',
  groupsSee: () => true,
  filterFor: () => undefined,
};
