/**
 * A bundle is what goes to a host on stdin: one bash program made of values, files and scripts. Nothing of it is in
 * an argument or in the environment, and bash reads all of it before it runs any.
 */

/** The parts of a bundle. Names of values are upper case, those of files lower case; file `x_yml` is what the script gets from `file_x_yml`. */
export interface BundleParts {
  /** What the bundle is, as its first line. */
  readonly title: string;
  readonly values: Readonly<Record<string, string | number>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** Texts of the scripts, in order; the last one defines `main`. */
  readonly scripts: readonly string[];
}

/** A command as root on a host, from a login there: any but root goes through sudo, which must ask for nothing. */
export function asRoot(user: string, command: string): string {
  return user === "root" ? command : `sudo -n ${command}`;
}

/** A text as one word of bash. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A bash function that prints `content`, with a newline at its end unless it is empty. No line of the content can end it early. */
function printer(name: string, content: string): string {
  if (content === "") return `${name}() { :; }`;
  const text = content.endsWith("\n") ? content : `${content}\n`;
  const lines = new Set(text.split("\n"));
  let end = "END_OF_FILE";
  for (let n = 1; lines.has(end); n++) end = `END_OF_FILE_${n}`;
  return `${name}() {\n  cat <<'${end}'\n${text}${end}\n}`;
}

/** The bash program for `bash -s -- apply|delete`. Throws where a name is none that bash takes. */
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
