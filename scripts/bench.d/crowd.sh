# shellcheck shell=bash disable=SC2034,SC2154 # read and set by the other files of scripts/bench
# Scene `peers`: one box, the hub, with 1, 10 and 100 peers at once. Each peer is a namespace of its own with its own daemon;
# all hang on one bridge. The peers wait to be called, so that those that a hub does not have are silent.
# Sourced by scripts/bench.

readonly CROWDS=(1 10 100)
# TCP streams out of the hub, all peers together: so many for each number of peers.
readonly CROWD_STREAMS=100
# Daemons that start at once: two processors should not have more to do than they can within the time limit.
readonly CROWD_STEP=10
# About how long starting them all takes, and measuring one number of peers.
readonly CROWD_START_SECONDS=20
crowd_cost() { echo $((STREAM_SECONDS + 5)); }
CROWD_PIDS=() CLIENTS=() SERVERS=() STREAMS=0

crowd_at() { printf '10.57.%s.%s' $(($1 / 200)) $(($1 % 200 + 10)); }

# crowd_box NAME NUMBER: on the bridge.
crowd_box() {
    net_box "$1"
    ip -n "$(ns "$1")" link add uplink type veth peer name "port$2" netns "$(ns switch)"
    net_end "$1" uplink "$(crowd_at "$2")/16"
    ip -n "$(ns switch)" link set "port$2" master bridge up
}

crowd_make() {
    local i
    net_box switch
    ip -n "$(ns switch)" link add bridge type bridge
    ip -n "$(ns switch)" link set bridge up
    crowd_box hub 0
    own_identity hub || return 1
    for ((i = 1; i <= CROWDS[-1]; i++)); do
        ((i % CROWD_STEP)) || progress "making box $i of ${CROWDS[-1]}"
        crowd_box "peer$i" "$i"
        own_identity "peer$i" || return 1
    done
}

crowd_ready() {
    local i
    for ((i = $1; i <= $2; i++)); do
        [[ -S $WORK/peer$i/api.sock ]] || return 1
    done
}

# Starts all peers, some at a time.
crowd_start() {
    local i first last
    for ((first = 1; first <= CROWDS[-1]; first = last + 1)); do
        last=$((first + CROWD_STEP - 1 < CROWDS[-1] ? first + CROWD_STEP - 1 : CROWDS[-1]))
        progress "starting peers $first to $last of ${CROWDS[-1]}"
        for ((i = first; i <= last; i++)); do
            own_start "peer$i" '{}' "$(own_peer hub)"
            CROWD_PIDS[i]=$STARTED
        done
        wait_until 120 crowd_ready "$first" "$last" || return 1
    done
}

# What TCP has seen acknowledged, added up over the streams out of the hub, and how many streams there are: REPLY and STREAMS.
# iperf3's control connections carry next to nothing.
crowd_acknowledged() {
    read -r STREAMS REPLY < <(in_box hub ss -tinH state established 'dport = :5201' \
        | grep -o 'bytes_acked:[0-9]*' | awk -F: '{ count++; sum += $2 } END { printf "%d %.0f\n", count, sum }')
}
# A stream and its control connection are there, for all.
crowd_streams() { crowd_acknowledged && ((STREAMS >= $1)); }

# crowd_target PEER: its address as the contender has it.
crowd_target() { if [[ $NAME == raw ]]; then crowd_at "$1"; else echo "${IP6[peer$1]}"; fi; }

# crowd_serve PEERS: iperf3's servers, new for each round: one whose client has gone without a word is busy for minutes.
crowd_serve() {
    local i
    SERVERS=()
    for ((i = 1; i <= $1; i++)); do
        net_start "peer$i" "$WORK/peer$i/server.log" iperf3 -s -p 5201
        SERVERS+=("$STARTED")
    done
    for ((i = 1; i <= $1; i++)); do wait_until 20 listens "peer$i" 5201 || return 1; done
}

crowd_call() {
    local i
    for ((i = 1; i <= $1; i++)); do
        wait_until 60 in_box hub ping -c 1 -W 1 "$(crowd_target "$i")" || return 1
    done
}

# The anonymous memory of the hub's daemon, if it has one.
hub_kb() { if ((${#DAEMONS[@]})); then awk '$1 == "RssAnon:" { print $2 }' "/proc/${DAEMONS[0]}/status"; else echo null; fi; }

# crowd_window PEERS HUB-KB-BEFORE: with all streams running, measures for STREAM_SECONDS.
crowd_window() {
    local peers=$1 began bytes spent ended
    crowd_acknowledged
    bytes=$REPLY
    began=$(date +%s%N)
    use_begin
    sleep "$STREAM_SECONDS"
    crowd_acknowledged
    ended=$(date +%s%N)
    spent=$(used)
    if ((STREAMS < CROWD_STREAMS + peers)); then missed "$parameters" "only $STREAMS connections of $((CROWD_STREAMS + peers)) are left"; return; fi
    note "$parameters" "$(jq -cn --argjson used "$spent" --argjson hz "$TICKS" --argjson bytes $((REPLY - bytes)) \
        --argjson seconds "$(awk -v ns=$((ended - began)) 'BEGIN { print ns / 1e9 }')" \
        --argjson before "$2" --argjson under "$(hub_kb)" "$COSTS"'
        { gbit_per_second: ($bytes * 8 / 1e9 / $seconds), $bytes, $seconds, hub_anonymous_kb: $under, hub_idle_anonymous_kb: $before,
            hub_seconds_per_gb: (if $used.daemons == [] or $bytes <= 0 then null else $used.daemons[0] / ($bytes / 1e9 * $hz) end) }
        + costs($used; $bytes) | del(.relay_seconds_per_gb)')"
}

# crowd_round NAME PEERS: the hub starts anew, so that its memory is that of so many peers. `raw` goes over the bridge.
crowd_round() {
    local peers=$2 i lines='' before
    local parameters="{\"peers\":$peers,\"streams\":$CROWD_STREAMS}"
    SCENE=peers NAME=$1 DAEMONS=() CLIENTS=()
    progress "$peers peers"
    if [[ $NAME != raw ]]; then
        for ((i = 1; i <= peers; i++)); do lines+=$(own_peer "peer$i" "$(crowd_at "$i")")$'\n'; done
        own_start hub '{}' "$lines"
        DAEMONS=("$STARTED")
        for ((i = 1; i <= peers; i++)); do DAEMONS+=("${CROWD_PIDS[i]}"); done
    fi
    if crowd_serve "$peers" && crowd_call "$peers"; then
        before=$(hub_kb)
        for ((i = 1; i <= peers; i++)); do
            net_start hub "$WORK/client$i.log" iperf3 -c "$(crowd_target "$i")" -p 5201 -t 600 "${STREAM_TCP[@]}" -P $((CROWD_STREAMS / peers)) --connect-timeout 20000
            CLIENTS+=("$STARTED")
        done
        if wait_until 90 crowd_streams $((CROWD_STREAMS + peers)); then
            # Path MTU probes, and the streams' rates, settle.
            sleep 2
            crowd_window "$peers" "$before"
        else
            missed "$parameters" "$STREAMS connections of $((CROWD_STREAMS + peers)) after 90 seconds"
        fi
    else
        missed "$parameters" "not all peers answer"
    fi
    end_all "${CLIENTS[@]}"
    end_all "${SERVERS[@]}"
    if ((${#DAEMONS[@]})); then net_stop "${DAEMONS[0]}"; fi
}

# crowd_rounds ROUNDS
crowd_rounds() {
    local peers name
    SCENE=peers NAME=inet256vpn ROUND=1
    if ! crowd_make || ! crowd_start; then missed '{}' "${CROWDS[-1]} peers cannot be started"; return; fi
    planned "$CROWD_START_SECONDS"
    for ((ROUND = 1; ROUND <= $1; ROUND++)); do
        for peers in "${CROWDS[@]}"; do
            for name in "${CROWD_CONTENDERS[@]}"; do
                crowd_round "$name" "$peers"
                planned "$(crowd_cost)"
            done
        done
    done
}
