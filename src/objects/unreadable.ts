/** Why a value cannot be read though nothing is wrong with it. The message is for people. */
export class Unreadable extends Error {}
