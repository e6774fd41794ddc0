/** The first line of a file that the stack puts in place, as most services take a comment. */
export const HEADER = "# Written by dhis2-siem; changes made here are lost at its next update.\n";
