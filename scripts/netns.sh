# shellcheck shell=bash disable=SC2034 # STARTED is read by those who source this
# Boxes made of network namespaces, joined by veth pairs. Sourced after lib.sh by the demo and the benchmark.
# NET_TAG must be set: it begins the names of the namespaces, which also bear this process's id, so that several runs
# never meet.

NET_BOXES=()

# The namespace of a box.
ns() { printf '%s-%s-%s' "$NET_TAG" "$1" "$$"; }

# Runs a command in a box.
in_box() {
    local name
    name=$(ns "$1")
    shift
    ip netns exec "$name" "$@"
}

# Says early and clearly when this machine cannot do it.
net_check() {
    local probe
    probe=$(ns probe)
    ip netns add "$probe" 2>/dev/null \
        || fail "a network namespace cannot be made here" "This needs root with CAP_SYS_ADMIN: not an unprivileged container."
    ip netns del "$probe"
    [[ -c /dev/net/tun ]] || modprobe tun 2>/dev/null || true
    [[ -c /dev/net/tun ]] || fail "/dev/net/tun is missing" "Load the kernel module: modprobe tun"
}

net_box() {
    local name
    name=$(ns "$1")
    ip netns add "$name"
    NET_BOXES+=("$1")
    ip -n "$name" link set lo up
}

# net_wire A ADDRESS/LENGTH B ADDRESS/LENGTH: a veth pair, named after the box at its other end.
net_wire() {
    ip -n "$(ns "$1")" link add "to-$3" type veth peer name "to-$1" netns "$(ns "$3")"
    net_end "$1" "to-$3" "$2"
    net_end "$3" "to-$1" "$4"
}

# An IPv6 address can be used at once only without the wait for duplicates.
net_end() {
    local options=()
    if [[ $3 == *:* ]]; then options=(nodad); fi
    ip -n "$(ns "$1")" address add "$3" dev "$2" "${options[@]}"
    ip -n "$(ns "$1")" link set "$2" up
}

# net_start BOX LOG COMMAND...: in the background, in a session of its own (a Ctrl-C is not for it). Sets STARTED.
net_start() {
    local box=$1 log=$2
    shift 2
    setsid ip netns exec "$(ns "$box")" "$@" >"$log" 2>&1 </dev/null &
    STARTED=$!
}

# Ends a process that net_start started: first asks, then insists. Its exit code is of no interest.
net_stop() {
    local tries
    kill -TERM "$1" 2>/dev/null || return 0
    for ((tries = 0; tries < 50; tries++)); do
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# Ends everything that runs in our namespaces and removes them. All of it descends from this script.
net_remove() {
    local box pid pids=()
    for box in "${NET_BOXES[@]}"; do
        while read -r pid; do pids+=("$pid"); done < <(ip netns pids "$(ns "$box")" 2>/dev/null)
    done
    ((${#pids[@]})) && kill -TERM "${pids[@]}" 2>/dev/null
    local tries
    for ((tries = 0; tries < 50; tries++)); do
        net_busy || break
        sleep 0.1
    done
    for box in "${NET_BOXES[@]}"; do
        while read -r pid; do kill -KILL "$pid" 2>/dev/null; done < <(ip netns pids "$(ns "$box")" 2>/dev/null)
        ip netns del "$(ns "$box")" 2>/dev/null
    done
    NET_BOXES=()
    return 0
}

net_busy() {
    local box
    for box in "${NET_BOXES[@]}"; do
        [[ -z $(ip netns pids "$(ns "$box")" 2>/dev/null) ]] || return 0
    done
    return 1
}
