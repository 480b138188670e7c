# shellcheck shell=bash disable=SC2034,SC2154 # read and set by the other files of scripts/bench
# Single measurements: each becomes one line of JSON in $WORK/measured, with SCENE, NAME (the contender), ROUND and its
# parameters. One that fails becomes a line with `error`. Sourced by scripts/bench.

TICKS=$(getconf CLK_TCK)
readonly TICKS
# What is measured at the moment; the contender's processes, its far end and the address of that.
SCENE='' NAME='' ROUND=0 DAEMONS=() TARGET='' LAST=1
# The process of iperf3's server in the far end.
SERVER=''
MEASURED=0 FAILED=0

# note PARAMETERS FIGURES: both are JSON objects. Figures that could not be made are a failed measurement.
note() {
    local line
    if ! line=$(jq -cn --arg scene "$SCENE" --arg contender "$NAME" --argjson round "$ROUND" --argjson parameters "$1" \
        --argjson figures "$2" '{ $scene, $contender, $round, $parameters } + $figures' 2>&1); then
        missed "$1" "its figures cannot be read: $line"
        return
    fi
    printf '%s\n' "$line" >>"$WORK/measured"
    MEASURED=$((MEASURED + 1))
}

# missed PARAMETERS WHY: a measurement that did not work.
missed() {
    FAILED=$((FAILED + 1))
    warn "$SCENE, $NAME, round $ROUND, $1: $2"
    note "$1" "$(jq -cn --arg error "$2" '{ $error }')"
}

# end_all PID...: all are told before any is waited for.
end_all() {
    local pid
    for pid in "$@"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "$@"; do net_stop "$pid"; done
}

# ---- processors and memory -------------------------------------------------------------------------------------

# ticks_of PID: sets REPLY to the clock ticks that a process has used, user and kernel, with its threads. Fields 14 and
# 15 of proc(5) stat; the name in field 2 may hold blanks, so it is cut off first. 0 when it has died.
ticks_of() {
    local line='' fields
    REPLY=0
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 0
    read -ra fields <<<"${line##*) }"
    REPLY=$((fields[11] + fields[12]))
}

# Sets REPLY to the ticks that the machine's processors were not idle (proc(5) stat: neither idle nor iowait nor stolen).
machine_ticks() {
    local user nice system irq softirq
    read -r _ user nice system _ _ irq softirq _ </proc/stat
    REPLY=$((user + nice + system + irq + softirq))
}

# Remembers what all have used so far; `used` then prints what came since: {daemons: [ticks of each], machine: ticks}.
USED_DAEMONS=() USED_MACHINE=0
use_begin() {
    local pid
    USED_DAEMONS=()
    for pid in "${DAEMONS[@]}"; do ticks_of "$pid"; USED_DAEMONS+=("$REPLY"); done
    machine_ticks
    USED_MACHINE=$REPLY
}
used() {
    local i each=''
    machine_ticks
    local machine=$((REPLY - USED_MACHINE))
    for i in "${!DAEMONS[@]}"; do
        ticks_of "${DAEMONS[i]}"
        each+=,$((REPLY - USED_DAEMONS[i]))
    done
    printf '{"daemons":[%s],"machine":%s}' "${each#,}" "$machine"
}

# In jq: $used and bytes to seconds a gigabyte; of the boxes between the ends, each on its own.
# shellcheck disable=SC2016 # variables of jq
COSTS='def costs($used; $bytes): ($bytes / 1e9 * $hz) as $per | if $bytes <= 0 then {} else {
    daemon_seconds_per_gb: (if $used.daemons == [] then null else ($used.daemons | add) / $per end),
    relay_seconds_per_gb: [$used.daemons[1:-1][] / $per],
    machine_seconds_per_gb: ($used.machine / $per) } end;'
readonly COSTS

# note_memory WHEN: resident memory of the contender's daemons, in kilobytes.
note_memory() {
    local pid figures=''
    for pid in "${DAEMONS[@]}"; do
        figures+=$(awk '$1 == "VmRSS:" { rss = $2 } $1 == "RssAnon:" { anon = $2 } END { printf "[%d,%d]", rss, anon }' \
            "/proc/$pid/status" 2>/dev/null || echo '[0,0]'),
    done
    if [[ $figures == *'[0,0]'* ]]; then missed "{\"when\":\"$1\"}" "a daemon has died"; return; fi
    note "{\"when\":\"$1\"}" "$(jq -c '{ rss_kb: map(.[0]), anonymous_kb: map(.[1]) }' <<<"[${figures%,}]")"
}

# ---- iperf3 ----------------------------------------------------------------------------------------------------

# listens BOX PORT: does somebody there accept TCP connections?
listens() { [[ -n $(in_box "$1" ss -ltnH "sport = :$2") ]]; }

server_start() {
    net_start "box$LAST" "$WORK/server.log" iperf3 -s -p 5201
    SERVER=$STARTED
    wait_until 10 listens "box$LAST" 5201
}
server_stop() {
    [[ -z $SERVER ]] || net_stop "$SERVER"
    SERVER=''
}

# The congestion control of TCP streams, at both ends. Each stream asks for it: a namespace may not choose what the machine
# does not allow everybody, while root may.
STREAM_TCP=()

# Runs iperf3 in box0 with its result in $WORK/iperf.json; false, with the reason in REPLY, when it did not work.
iperf() {
    local code=0
    if [[ " $* " != *' -u '* ]]; then set -- "${STREAM_TCP[@]}" "$@"; fi
    timeout -k 5 $((STREAM_SECONDS + 20)) ip netns exec "$(ns box0)" iperf3 -c "$TARGET" -p 5201 -J -t "$STREAM_SECONDS" \
        --connect-timeout 5000 "$@" >"$WORK/iperf.json" 2>"$WORK/iperf.err" || code=$?
    if ((code == 0)) && jq -e '.end.sum_received.bytes > 0' "$WORK/iperf.json" >/dev/null 2>&1; then return 0; fi
    REPLY=$(jq -r '.error // "nothing arrived"' "$WORK/iperf.json" 2>/dev/null || true)
    if ((code == 124)); then REPLY="iperf3 did not end in time"; fi
    : "${REPLY:=iperf3 ended with code $code}"
    # The server may still wait for a client that is gone.
    server_stop
    server_start || REPLY+=", and its server cannot be started again"
    return 1
}

readonly NOTHING='{}'
# stream PARAMETERS MORE-FIGURES iperf3-OPTION...: one run of iperf3, TCP or UDP.
stream() {
    local parameters=$1 more=$2
    shift 2
    use_begin
    if ! iperf "$@"; then missed "$parameters" "$REPLY"; return; fi
    local spent
    spent=$(used)
    if [[ -n $more ]]; then more=$("$more" || true); fi
    note "$parameters" "$(jq -c --argjson used "$spent" --argjson hz "$TICKS" --argjson more "${more:-$NOTHING}" "$COSTS"'
        .end as $at_end | [$at_end.sum_received, $at_end.sum_received_bidir_reverse | select(. != null)] as $ways
        | ($ways | map(.bytes) | add) as $bytes
        | { gbit_per_second: ($ways | map(.bits_per_second) | add / 1e9), bytes: $bytes, seconds: $at_end.sum_received.seconds }
        + costs($used; $bytes)
        + (if $ways | length == 2 then { ways_gbit_per_second: ($ways | map(.bits_per_second / 1e9)) } else {} end)
        + (if .start.test_start.protocol == "UDP" then {
                offered_gbit_per_second: ($at_end.sum_sent.bits_per_second / 1e9),
                loss_percent: $at_end.sum_received.lost_percent }
            else { retransmits: ([$at_end.sum_sent.retransmits, $at_end.sum_sent_bidir_reverse.retransmits] | map(. // 0) | add) } end)
        + $more' "$WORK/iperf.json")"
}

# ---- ping ------------------------------------------------------------------------------------------------------

# pings PARAMETERS COUNT [SECONDS]: one each 10 ms, or as SECONDS say; 0: one after the other. The figures come from each
# single reply.
pings() {
    in_box box0 ping -n -c "$2" -i "${3:-0.01}" -w $(($2 / 100 + 3)) "$TARGET" >"$WORK/ping.txt" 2>&1 || true
    sed -nE 's/.* time=([0-9.]+) ms.*/\1/p' "$WORK/ping.txt" >"$WORK/ping.ms"
    if [[ ! -s $WORK/ping.ms ]]; then missed "$1" "no reply to any ping"; return; fi
    note "$1" "$(jq -cs --argjson sent "$2" 'sort | length as $n | {
        rtt_median_ms: (if $n % 2 == 1 then .[$n / 2 | floor] else (.[$n / 2 - 1] + .[$n / 2]) / 2 end),
        rtt_p95_ms: .[[$n - 1, ($n * 0.95 | ceil) - 1] | min], rtt_least_ms: .[0], rtt_most_ms: .[-1],
        replies: $n, sent: $sent }' "$WORK/ping.ms")"
}
