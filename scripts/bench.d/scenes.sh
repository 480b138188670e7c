# shellcheck shell=bash disable=SC2034,SC2154 # read and set by the other files of scripts/bench
# What is measured between two boxes, and through relays. `scene_NAME` measures the contender that is up; `cost_NAME` prints
# about how many seconds that takes. Sourced by scripts/bench.

# In the order in which they run; `memory` has its idle part first and its later part after `tcp`.
readonly PAIR_SCENES=(ping tcp udp plain loss)
readonly ALL_SCENES=(tcp udp ping plain loss relay peers memory)
# The boxes between the ends in scene `relay`.
readonly RELAYS=(0 1 3)

# takes_part CONTENDER SCENE: with the other cipher alone only the cipher differs, so one scene says it all.
# The floor knows TCP's super-packets, and no loss matters to it.
takes_part() {
    case $1 in
        inet256vpn-chacha) [[ $2 == tcp || $2 == memory ]] ;;
        inet256vpn-realtime) [[ $2 != memory ]] ;;
        floor) [[ $2 == tcp || $2 == udp || $2 == ping || $2 == plain ]] ;;
        *) true ;;
    esac
}

cost_tcp() { echo $((6 * STREAM_SECONDS + 2)); }
scene_tcp() {
    local streams
    for streams in 1 4; do
        progress "TCP, $streams at once, forth"
        stream "{\"streams\":$streams,\"direction\":\"forth\"}" '' -P "$streams"
        progress "TCP, $streams at once, back"
        stream "{\"streams\":$streams,\"direction\":\"back\"}" '' -P "$streams" -R
        progress "TCP, $streams at once, both ways"
        stream "{\"streams\":$streams,\"direction\":\"both\"}" '' -P "$streams" --bidir
    done
}

# The receiver's socket holds as much as this machine lets a program have without privilege, at most 4 MB: with the usual
# 208 KB iperf3 loses datagrams whenever it has to wait for a processor.
udp_buffer() {
    local largest
    largest=$(sysctl -n net.core.rmem_max)
    echo $((largest < 4194304 ? largest : 4194304))
}

cost_udp() { echo $((2 * STREAM_SECONDS + 1)); }
scene_udp() {
    local buffer
    buffer=$(udp_buffer)
    progress "UDP, 1 Gbit/s"
    stream "{\"offered\":\"1 Gbit/s\",\"bytes\":1300,\"socket_buffer\":$buffer}" '' -u -l 1300 -b 1G -w "$buffer"
    progress "UDP, flooded"
    stream "{\"offered\":\"flood\",\"bytes\":1300,\"socket_buffer\":$buffer}" '' -u -l 1300 -b 0 -w "$buffer"
}

cost_ping() { echo $((STREAM_SECONDS + 3)); }
scene_ping() {
    local load
    progress "ping, idle"
    pings '{"load":"none"}' 100
    progress "ping, one after the other"
    pings '{"load":"none, one after the other"}' 500 0
    progress "ping under a TCP stream"
    in_box box0 timeout -k 5 $((STREAM_SECONDS + 20)) iperf3 -c "$TARGET" -p 5201 -t $((STREAM_SECONDS + 1)) "${STREAM_TCP[@]}" --connect-timeout 5000 \
        >"$WORK/load.txt" 2>&1 &
    load=$!
    sleep 0.7
    # Pings that went without load would look good.
    if kill -0 "$load" 2>/dev/null; then pings '{"load":"one TCP stream"}' $((STREAM_SECONDS * 100)); fi
    if ! wait "$load"; then missed '{"load":"one TCP stream"}' "the stream beside the pings: $(tail -n 1 "$WORK/load.txt")"; fi
}

cost_plain() { echo "$STREAM_SECONDS"; }
scene_plain() {
    progress "TCP, the wire's offloads off"
    if wire_offloads off; then
        stream '{"streams":1,"direction":"forth","wire_offloads":"off"}' ''
    else
        missed '{"wire_offloads":"off"}' "ethtool refuses"
    fi
    wire_offloads on || missed '{"wire_offloads":"on"}' "ethtool refuses"
}

cost_loss() { echo $((3 * STREAM_SECONDS + 1)); }
scene_loss() {
    local thousandths
    wire_offloads off || { missed '{"wire_offloads":"off"}' "ethtool refuses"; return; }
    for thousandths in 0 1 10; do
        local percent
        percent=$(awk -v n="$thousandths" 'BEGIN { print n / 10 }')
        progress "TCP, $percent % loss"
        if ! wire_loss "$thousandths"; then missed "{\"loss_percent\":$percent}" "nft refuses"; continue; fi
        stream "{\"streams\":1,\"direction\":\"forth\",\"wire_offloads\":\"off\",\"loss_percent\":$percent}" wire_loss_counted
        wire_loss_end || missed "{\"loss_percent\":$percent}" "the rules of the loss cannot be removed"
    done
    wire_offloads on || missed '{"wire_offloads":"on"}' "ethtool refuses"
}

# ---- starting a contender and ending it ------------------------------------------------------------------------

answers() { in_box box0 ping -c 1 -W 1 "$TARGET"; }

# contender_up NAME LAST: with iperf3's server in the far end. False when it does not come up.
contender_up() {
    NAME=$1 LAST=$2 DAEMONS=() TARGET=''
    "up_$NAME" "$LAST" && wait_until 30 answers && server_start
}
contender_down() {
    server_stop
    if declare -F "down_$NAME" >/dev/null; then "down_$NAME" "$LAST" || warn "$NAME left something behind"; fi
    end_all "${DAEMONS[@]}"
}

has_memory() { wants_scene memory && ((${#DAEMONS[@]})); }

# pair_round NAME: all chosen scenes of a contender between two boxes.
pair_round() {
    local scene
    SCENE=start
    NAME=$1
    progress "starting"
    if contender_up "$1" 1; then
        # Path MTU probes of the contenders settle within this time.
        sleep 2
        if has_memory; then SCENE=memory; note_memory idle; fi
        for scene in "${PAIR_SCENES[@]}"; do
            if ! wants_scene "$scene" || ! takes_part "$1" "$scene"; then continue; fi
            SCENE=$scene
            "scene_$scene"
            if [[ $scene == tcp ]] && has_memory; then SCENE=memory; note_memory "after tcp"; fi
        done
    else
        missed '{}' "$1 does not come up"
    fi
    contender_down
}

pair_cost() {
    local scene sum=5
    for scene in "${PAIR_SCENES[@]}"; do
        if wants_scene "$scene" && takes_part "$1" "$scene"; then sum=$((sum + $("cost_$scene"))); fi
    done
    echo "$sum"
}

# ---- relays ----------------------------------------------------------------------------------------------------

relay_contenders() {
    local name
    for name in "${CONTENDERS[@]}"; do
        if [[ $CHAINED == *" $name "* ]]; then echo "$name"; fi
    done
}

# relay_round NAME RELAYS
relay_round() {
    SCENE=relay
    NAME=$1
    progress "TCP through $2 relays"
    local parameters="{\"streams\":1,\"direction\":\"forth\",\"relays\":$2}"
    if contender_up "$1" $(($2 + 1)); then
        sleep 1
        stream "$parameters" ''
    else
        missed "$parameters" "$1 does not come up"
    fi
    contender_down
}
