/**
 * A bundle is the bash program that a remote command sends to a host on stdin: values, files and scripts. Nothing of it is in
 * an argument or in the environment, and bash reads the whole program before it runs any of it.
 */

/** The parts of a bundle. Names of values are upper case, names of files lower case. A script reads the file `x_yml` with `file_x_yml`. */
export interface BundleParts {
  /** The title of the bundle; its first line. */
  readonly title: string;
  readonly values: Readonly<Record<string, string | number>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Texts of the scripts, in order; the last one defines `main`. */
  readonly scripts: readonly string[];
}

/** Returns a command that runs as root on a host. A user other than root needs sudo without a password. */
export function asRoot(user: string, command: string): string {
  return user === "root" ? command : `sudo -n ${command}`;
}

/** Returns a text as one word of bash. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Returns a bash function that prints `content`, with a newline at its end unless it is empty. No line of the content ends it early. */
function printer(name: string, content: string): string {
  if (content === "") return `${name}() { :; }`;
  const text = content.endsWith("\n") ? content : `${content}\n`;
  const lines = new Set(text.split("\n"));
  let end = "END_OF_FILE";
  for (let n = 1; lines.has(end); n++) end = `END_OF_FILE_${n}`;
  return `${name}() {\n  cat <<'${end}'\n${text}${end}\n}`;
}

/** Returns the bash program for `bash -s -- apply|delete`. Throws an Error if a name is not valid in bash. */
export function renderBundle(parts: BundleParts): string {
  const check = (name: string, pattern: RegExp): string => {
    if (!pattern.test(name)) throw new Error(`"${name}" is no name for a value or file of a bundle`);
    return name;
  };
  const values = Object.entries(parts.values).map(
    ([name, value]) => `${check(name, /^[A-Z][A-Z0-9_]*$/)}=${quote(String(value))}`,
  );
  const printers = (prefix: string, files: Readonly<Record<string, string>> = {}) =>
    Object.entries(files).map(([name, text]) =>
      printer(`${prefix}_${check(name, /^[a-z][a-z0-9_]*$/)}`, text),
    );
  return [
    `# dhis2-siem: ${parts.title.replaceAll("\n", " ")}`,
    "set -euo pipefail",
    ...values,
    ...printers("file", parts.files),
    ...printers("secret", parts.secrets),
    ...parts.scripts.map((script) => script.trimEnd()),
    'main "$@" </dev/null',
    "exit",
    "",
  ].join("\n");
}
