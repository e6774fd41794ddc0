/** `npm run -s preview-comment -- FILE STATUS`: prints the text of a pull request's comment about a preview. */
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { runCommand } from "./command-line";
import { finish, type Outcome, succeeded } from "./outcome";

/** The variables whose values must not appear in a comment: every secret that .github/workflows/preview.yml passes on. */
export const SECRETS = [
  "PULUMI_CONFIG_PASSPHRASE",
  "PULUMI_ACCESS_TOKEN",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
] as const;

/** The bytes that a comment has at most. GitHub accepts 65,536 characters, and a character has at least one byte. */
export const LIMIT = 65_000;

/** The bytes at the output's end that are always kept: the counts, the outputs, or the reason why the preview failed. */
const END = 12_000;

/** The facts that a comment is made from. */
export interface Preview {
  readonly stack: string;
  /** The commit that was previewed. */
  readonly commit: string;
  readonly output: string;
  /** The preview's exit code. */
  readonly status: number;
  /** Texts that must not be shown. */
  readonly secrets: readonly string[];
}

/**
 * Returns the comment as Markdown of at most `LIMIT` bytes. Its first line is the mark by which .github/scripts/comment.sh
 * finds it again. If a preview is too long, lines in its middle are left out; its end has the counts.
 */
export function previewComment({ stack, commit, output, status, secrets }: Preview): string {
  const shown = align(redact(plain(output), secrets)).trim();
  const mark = `<!-- dhis2-siem preview ${stack.replaceAll(/[^\w./-]/g, "")} -->`;
  const title = `### Preview of \`${stack}\`: ${status === 0 ? counts(shown) : "it fails"}`;
  const from = `For ${commit.slice(0, 12)}. Nothing was changed; secrets show as \`[secret]\`.`;
  const fold = `<details${status === 0 ? "" : " open"}><summary>the whole preview</summary>`;
  const wrap = (text: string) =>
    `${mark}\n${title}\n\n${from}\n\n${fold}\n\n\`\`\`diff\n${text}\n\`\`\`\n\n</details>`;
  return wrap(cut(shown, LIMIT - Buffer.byteLength(wrap(""))));
}

/** Returns the text without colours, and without a mark that ends a code block. */
function plain(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/\r\n?/g, "\n").replaceAll("```", "'''");
}

/** Hides secrets: as they are, as JSON texts, and each line of them. Also hides every private key. */
function redact(text: string, secrets: readonly string[]): string {
  const forms = secrets
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), ...lines(secret)])
    .map((form) => form.trim())
    .filter((form) => form !== "")
    .sort((a, b) => b.length - a.length);
  const hidden = forms.reduce((rest, form) => rest.replaceAll(form, "[secret]"), text);
  return hidden.replaceAll(
    /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g,
    "[private key]",
  );
}

/** Returns the lines of a secret that has several lines. Short lines are left out: they would hide ordinary words. */
function lines(secret: string): string[] {
  return secret.includes("\n") ? secret.split("\n").filter((line) => line.trim().length >= 16) : [];
}

/** Moves the signs + and - to the start of the line, where GitHub colours them. */
function align(text: string): string {
  return text.replaceAll(/^( +)([-+]{1,2})(?= )/gm, "$2$1");
}

/** Returns the counts below "Resources:", such as "2 to create, 80 unchanged". */
function counts(text: string): string {
  const list = /^Resources:\n((?: *.+\n?)+)/m.exec(text)?.[1] ?? "";
  const found = list.match(/\d+ (?:to [a-z-]+|unchanged)/g) ?? [];
  return found.some((part) => part.includes(" to ")) ? found.join(", ") : "no change";
}

function cut(text: string, room: number): string {
  if (Buffer.byteLength(text) <= room) return text;
  const note = "\n\n... N lines left out; `pulumi preview --diff` shows them ...\n\n";
  const end = Math.min(END, Math.floor(room / 2));
  const all = Buffer.from(text);
  const first = all.subarray(0, room - end - Buffer.byteLength(note) - 8).toString();
  const last = all.subarray(all.length - end).toString();
  // Only whole lines, and so only whole characters. A line that does not fit is left out.
  const head = first.slice(0, Math.max(0, first.lastIndexOf("\n")));
  const tail = last.slice(last.indexOf("\n") + 1);
  const left = text.split("\n").length - head.split("\n").length - tail.split("\n").length;
  return `${head}${note.replace("N", String(left))}${tail}`;
}

/**
 * Runs the command and returns its outcome.
 * @param env has PULUMI_STACK, COMMIT and the secrets that must not be shown
 */
export async function main(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Outcome> {
  const text = {
    name: "preview-comment",
    description:
      "Prints the text of a pull request's comment about a preview. Reads PULUMI_STACK, COMMIT and the secrets to hide from the environment.",
    examples: [["preview.txt 0", "the comment about a preview that went well"]],
  } as const;
  return runCommand(args, text, (command, action) => {
    command
      .argument("<file>", "what `pulumi preview --diff` printed")
      .argument("<status>", "its exit code, such as 0")
      .action(
        action((file: string, status: string) => {
          if (!/^\d+$/.test(status))
            command.error(`error: status must be an exit code, such as 0, not ${status}`);
          const { PULUMI_STACK: stack = "", COMMIT: commit = "" } = env;
          const secrets = SECRETS.map((name) => env[name] ?? "");
          const output = readFileSync(file, "utf8");
          return succeeded(`${previewComment({ stack, commit, output, status: Number(status), secrets })}\n`);
        }),
      );
  });
}

if (require.main === module) void finish(main(process.argv.slice(2)));
