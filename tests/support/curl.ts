import { quote } from "../../render/bundle";

/** Answers of Elasticsearch's: status and body, by the first words of the request ("PUT /index/_mapping"). */
export type Answers = Readonly<Record<string, readonly [status: number, body: string]>>;

/** Bash that is Elasticsearch in curl's place, for a login with the password `the-password`; what is asked, with the bodies, goes into `asked`. */
export function curlAnswering(answers: Answers, asked: string): string {
  const cases = Object.entries(answers).map(
    ([call, [status, body]]) =>
      `${quote(call)}) printf %s ${quote(body)} >"$WORK/response"; echo ${status} ;;`,
  );
  return `curl() {
    grep -q the-password || return 1
    case " $* " in *" --cacert "*"/tls/ca.crt --max-time "*) ;; *) echo "curl: whom, and for how long?" >&2; return 1 ;; esac
    local method="" url="" body=""
    while [ $# -gt 0 ]; do
      case $1 in
        -X) method=$2; shift ;;
        --data-binary) body=$(cat "\${2#@}"); shift ;;
        https://*) url=\${1#https://127.0.0.1:9200} ;;
      esac
      shift
    done
    echo "$method $url\${body:+ $body}" >>${quote(asked)}
    case "$method $url" in
      ${cases.join("\n")}
      *) echo "curl: (7) connection refused" >&2; echo 000; return 7 ;;
    esac
  }`;
}
