# shellcheck shell=bash disable=SC2034,SC2154 # read and set by the other files of scripts/bench
# The boxes of the benchmark: a chain box0 - box1 - ..., each joined to the next by a veth pair. Most scenes use the first
# two; relays stand between the first and the last of a longer stretch. Sourced by scripts/bench.

# Chains of up to this many boxes are made when scene `relay` is chosen.
readonly LONGEST_CHAIN=5

# The addresses of box I on the wire to the box after it, and on the wire to the one before.
at_right() { printf '10.56.%s.1' $((10 + $1)); }
at_left() { printf '10.56.%s.2' $((9 + $1)); }

# chain_boxes COUNT
chain_boxes() {
    local i
    net_box box0
    for ((i = 1; i < $1; i++)); do
        net_box "box$i"
        net_wire "box$((i - 1))" "$(at_right $((i - 1)))/24" "box$i" "$(at_left "$i")/24"
    done
}

# ---- the wire between box0 and box1 ----------------------------------------------------------------------------

# wire_offloads on|off: whether super-packets may cross the wire, in both directions. Checksums stay as they are.
wire_offloads() {
    local box
    for box in 0 1; do
        in_box "box$box" ethtool -K "to-box$((1 - box))" tso "$1" gso "$1" tx-udp-segmentation "$1" >/dev/null || return 1
        # veth comes with this off; on, it would join datagrams before the rules of wire_loss see them.
        in_box "box$box" ethtool -K "to-box$((1 - box))" gro off >/dev/null || return 1
    done
}

# wire_loss THOUSANDTHS: box1 drops so many of a thousand packets from the wire at random; 0 counts them only.
wire_loss() {
    in_box box1 nft -f - <<END
table inet i256bench {
    counter seen {}
    counter dropped {}
    chain wire {
        type filter hook prerouting priority raw - 10
        iifname "to-box0" counter name seen numgen random mod 1000 < $1 counter name dropped drop
    }
}
END
}

wire_loss_end() { in_box box1 nft delete table inet i256bench; }

# Packets that the rules of wire_loss have seen and dropped, as JSON.
wire_loss_counted() {
    in_box box1 nft -j list counters table inet i256bench | jq -c '
        [.nftables[].counter | select(. != null) | { (.name): .packets }] | add | { packets_on_wire: .seen, packets_dropped: .dropped }'
}

# ---- forwarding in the kernel: what a relay is to `raw` --------------------------------------------------------

# chain_routes add|del LAST: routes over the chain between box0 and box LAST; the boxes between them forward.
chain_routes() {
    local i last=$2
    for ((i = 0; i <= last; i++)); do
        if ((i > 0 && i < last)); then in_box "box$i" sysctl -qw "net.ipv4.ip_forward=$([[ $1 == add ]] && echo 1 || echo 0)"; fi
        # Towards the last wire, and back to the first, where they are not the box's own.
        if ((i < last - 1)); then
            ip -n "$(ns "box$i")" route "$1" "$(at_right $((last - 1)))/32" via "$(at_left $((i + 1)))" || return 1
            ip -n "$(ns "box$i")" route "$1" "$(at_left "$last")/32" via "$(at_left $((i + 1)))" || return 1
        fi
        if ((i > 1)); then
            ip -n "$(ns "box$i")" route "$1" "$(at_right 0)/32" via "$(at_right $((i - 1)))" || return 1
        fi
    done
}
