import type { Command } from 'commander';
import type { Cli } from './cli.ts';

/** Adds one command (or a group) to the program; `exit` sets the exit code of a command that ends without an error. */
export type AddCommand = (program: Command, cli: Cli, exit: (code: number) => void) => void;
