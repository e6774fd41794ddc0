#!/usr/bin/env bash
# A timer runs this every minute in every container with an agent (scripts/shipping.sh). Prints one line of JSON for each reader of
# the journal (render/filebeat-journal.ts) and for each log file: how many entries or bytes were removed before Filebeat sent
# them (lost), how many wait, and for how long. The first line also says how often Filebeat was restarted.
# It also restarts Filebeat if a reader has stopped: Filebeat 7.17 ends a reader for good if journald removes the file that it reads
# ("failed to iterate journal: bad message").
# Arguments: the log files, as globs.
set -euo pipefail
export LC_ALL=C
REGISTRY=/var/lib/filebeat/registry/filebeat
STATE=/var/lib/dhis2-siem/shipping
# Entries that are counted at most.
COUNT_LIMIT=10000
# After so many reports in which the second reader stays where it is though lines wait, and the first does not, Filebeat is restarted.
# (If neither moves, Elasticsearch does not answer.)
STUCK_REPORTS=3

# What the first reader sends, in an entry as journalctl prints it; the second sends all else (render/filebeat-journal.ts).
ROOTS='"_UID" ?: ?"0"|"_EXE" ?: ?"(/usr/bin/(sudo|sudo\.ws|su|passwd|gpasswd|pkexec)|/usr/lib/cargo/bin/(sudo|su))"'

# registry_value KEY FIELD: prints a field of the newest value in Filebeat's registry whose key begins with KEY. The log has the changes
# since the last checkpoint; a file with a number for a name is the checkpoint, on one line.
registry_value() {
  local file line found=""
  for file in "$REGISTRY"/[0-9]*.json "$REGISTRY/log.json"; do
    [ -e "$file" ] || continue
    line=$(grep -F "\"$1" "$file" | tail -n 1 || true)
    [ -z "$line" ] || found=$line
  done
  found=${found#*"\"$1"}
  found=${found%%\"_key\"*}
  ! [[ $found =~ \"$2\"\ *:\ *\"?([^\",}]*) ]] || printf '%s' "${BASH_REMATCH[1]}"
}

# cursor_part NAME CURSOR: prints a part of a journal cursor, a hexadecimal number: s (of the sequence), i (in it), t (time in µs).
cursor_part() { sed -n "s/.*\b$1=\([0-9a-f]*\).*/\1/p" <<<"$2"; }

# first_entry ARGUMENT...: prints the cursor of the first entry that journalctl prints.
first_entry() {
  local line=""
  read -r line < <(journalctl -q -o json --output-fields=_UID "$@" 2>/dev/null) || true
  cursor_of "$line"
}

number() { printf %d "0x${1:-0}"; }

# remember NAME VALUE / remembered NAME: keeps a value until the next report.
remember() { printf '%s\n' "$2" >"$STATE/$1.new" && mv "$STATE/$1.new" "$STATE/$1"; }
remembered() { cat "$STATE/$1" 2>/dev/null || true; }

# lost_since CURSOR OLDEST: prints how many entries are missing between the two. If their sequences differ, only their times can be
# compared, and it prints 1: at least one.
lost_since() {
  local lost
  if [ "$(cursor_part s "$1")" = "$(cursor_part s "$2")" ]; then
    lost=$(($(number "$(cursor_part i "$2")") - $(number "$(cursor_part i "$1")") - 1))
  else
    lost=$(($(number "$(cursor_part t "$2")") > $(number "$(cursor_part t "$1")")))
  fi
  echo $((lost > 0 ? lost : 0))
}

# waiting_after CURSOR READER: prints an entry on each line, at most COUNT_LIMIT of those that the reader has not sent.
waiting_after() {
  local not=()
  [ "$2" = journal ] || not=(-v)
  journalctl -q -o json --output-fields=_UID,_EXE --after-cursor="$1" 2>/dev/null |
    grep -E --line-buffered -m "$COUNT_LIMIT" ${not[@]+"${not[@]}"} "$ROOTS" || true
}

# cursor_of ENTRY: prints the cursor of an entry that journalctl printed.
cursor_of() { sed -n 's/.*"__CURSOR" *: *"\([^"]*\)".*/\1/p' <<<"$1"; }

# is_later CURSOR OTHER
is_later() { [ "$(number "$(cursor_part t "$1")")" -gt "$(number "$(cursor_part t "$2")")" ]; }

# report_reader READER
report_reader() {
  local reader=$1 cursor oldest newest entries waiting=0 seconds=0 lost known same=0
  cursor=$(registry_value "journald::$reader::" position)
  [ -n "$cursor" ] || return 0
  oldest=$(first_entry)
  newest=$(first_entry -n 1)
  [ -n "$oldest" ] || return 0
  # All entries up to here were sent, or were the other reader's, or are reported as lost.
  known=$(remembered "$reader.known")
  if [ -z "$known" ] || is_later "$cursor" "$known"; then known=$cursor; fi
  lost=$(lost_since "$known" "$oldest")
  entries=$(waiting_after "$known" "$reader")
  if [ -n "$entries" ]; then
    waiting=$(wc -l <<<"$entries")
    seconds=$(($(date +%s) - $(number "$(cursor_part t "$(cursor_of "${entries%%$'\n'*}")")") / 1000000))
    if [ "$lost" -gt 0 ]; then known=$oldest; fi
    if [ "$(remembered "$reader.cursor")" = "$cursor" ]; then same=$(($(remembered "$reader.same") + 1)); fi
  else
    known=$newest
  fi
  remember "$reader.known" "$known"
  remember "$reader.cursor" "$cursor"
  remember "$reader.same" "$same"
  print_report "$reader" "$lost" "$waiting" "$((seconds > 0 ? seconds : 0))"
}

# report_file PATH: of a log that is truncated or replaced, what had not been read then is lost.
report_file() {
  local path=$1 inode size offset last_inode last_size last_offset lost=0
  read -r inode size < <(stat -c '%i %s' -- "$path") || return 0
  offset=$(registry_value "filestream::files::inode_marker::$inode-" offset)
  read -r last_inode last_size last_offset <<<"$(remembered "file.${path//\//_}")" || true
  if [ -n "${last_inode:-}" ] && [ "$last_offset" -lt "$last_size" ]; then
    if [ "$last_inode" = "$inode" ] && [ "$size" -lt "$last_size" ]; then lost=$((last_size - last_offset)); fi
    if [ "$last_inode" != "$inode" ] && [ -z "$(find "$(dirname "$path")" -maxdepth 1 -inum "$last_inode" -print -quit)" ]; then
      lost=$((last_size - last_offset))
    fi
  fi
  # A file that Filebeat does not know yet has nothing to compare with.
  [ -n "$offset" ] || offset=$size
  remember "file.${path//\//_}" "$inode $size $offset"
  print_report "$path" "$lost" "$((size > offset ? size - offset : 0))" 0
}

# print_report WHAT LOST WAITING SECONDS
print_report() {
  printf '{"check":"shipping","path":"%s","lost":%d,"waiting":%d,"behind_seconds":%d,"restarts":%d}\n' "$1" "$2" "$3" "$4" "$restarts"
  restarts=0
}

# is_stuck: does the second reader stay where it is, while the first, which has these reports to send, goes on?
is_stuck() {
  [ "$(remembered journal-others.same)" -ge "$STUCK_REPORTS" ] 2>/dev/null && [ "$(remembered journal.same)" = 0 ]
}

# has_failed: has a reader of this Filebeat ended? It says so in its own log.
has_failed() {
  local invocation
  invocation=$(systemctl show -p InvocationID --value filebeat 2>/dev/null) && [ -n "$invocation" ] || return 1
  [[ $(journalctl -q -o cat "_SYSTEMD_INVOCATION_ID=$invocation" 2>/dev/null | tail -n 500) == *"Input 'journald' failed"* ]]
}

main() {
  local restarts all path
  install -d -m 0700 "$STATE"
  all=$(systemctl show -p NRestarts --value filebeat 2>/dev/null || true)
  all=${all:-0}
  restarts=$((all - $(remembered restarts) + 0))
  if [ -z "$(remembered restarts)" ] || [ "$restarts" -lt 0 ]; then restarts=0; fi
  remember restarts "$all"
  if [ -e "$STATE/restarted" ]; then
    restarts=$((restarts + 1))
    rm -f "$STATE/restarted"
  fi
  report_reader journal
  report_reader journal-others
  for path in "$@"; do [ ! -f "$path" ] || [ -L "$path" ] || report_file "$path"; done
  if systemctl is-active -q filebeat && { is_stuck || has_failed; }; then
    remember journal-others.same 0
    : >"$STATE/restarted"
    systemctl restart filebeat
  fi
}

main "$@"
