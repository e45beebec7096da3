// Where the kernel's half of a run lives. Namespaces are made and removed by who starts the lab.

/** A network namespace for one run. */
export interface KernelPlace {
  readonly netns: string;
  /** Removes it. */
  close(): Promise<void>;
}
