// SPDX-License-Identifier: Apache-2.0
// A value that screens can watch.
import { useEffect, useReducer } from 'preact/hooks';

export class Store<T> {
  #value: T;
  #watchers = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const tell of [...this.#watchers]) tell();
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value));
  }

  /** Call ${tell} after each change; returns what ends it. */
  watch(tell: () => void): () => void {
    this.#watchers.add(tell);
    return () => this.#watchers.delete(tell);
  }

  /** The value, for a component that is drawn again when it changes. */
  use(): T {
    const [, redraw] = useReducer((n: number) => n + 1, 0);
    useEffect(() => {
      const before = this.#value;
      const end = this.watch(() => redraw(undefined as never));
      if (!Object.is(before, this.#value)) redraw(undefined as never);
      return end;
    }, [this]);
    return this.#value;
  }
}
