import type { FilterRule, PolicyNode } from '@pcloud/netmap';

/** Who may see whom, and what receivers let in. Nodes of one class have the same rights, and are the same to others. */
export interface Rights {
  classOf(node: PolicyNode): string;
  /** Whether nodes of these classes are in each other's maps. */
  sees(a: string, b: string): boolean;
  /** What a receiver of this class lets in; undefined: everything. */
  filterFor(className: string): readonly FilterRule[] | undefined;
}

/** Everybody sees everybody, and lets in everything. */
export const OPEN_RIGHTS: Rights = {
  classOf: () => 'all',
  sees: () => true,
  filterFor: () => undefined,
};
