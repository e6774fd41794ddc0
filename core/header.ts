/** The first line of the configuration files that the stack writes: a comment in most programs' files. */
export const HEADER = "# Written by dhis2-siem; changes made here are lost at its next update.\n";
