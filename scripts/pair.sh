# shellcheck shell=bash disable=SC2034 # PAIR and TARGET are read by those who source this
# Two boxes, a and b, joined by one wire, with inet256vpn at both ends. Sourced after netns.sh by the benchmark and the
# soak. WORK is the folder for keys, configurations and logs; BINARY the program.

readonly WIRE_A=10.56.9.1 WIRE_B=10.56.9.2

pair_boxes() {
    net_box a
    net_box b
    net_wire a "$WIRE_A/24" b "$WIRE_B/24"
}

# Starts both daemons, with the keys that they had before. Sets PAIR, their process ids, and TARGET, b's IPv6 address.
pair_start() {
    local box peer at
    PAIR=()
    for box in a b; do
        mkdir -p "$WORK/$box"
        if [[ -e $WORK/$box/key ]]; then continue; fi
        (umask 077 && "$BINARY" keygen >"$WORK/$box/key" 2>"$WORK/$box/log") || fail "no key was made: $(<"$WORK/$box/log")"
    done
    for box in a b; do
        if [[ $box == a ]]; then peer=b at=$WIRE_B; else peer=a at=$WIRE_A; fi
        cat >"$WORK/$box/config.yaml" <<END
private_key_path: ./key
api_endpoint: "unix://$WORK/$box/api.sock"
transports: [{udp: "[::]:25632"}]
peers: [{id: "$("$BINARY" addr --private-key "$WORK/$peer/key")", name: $peer, addrs: ["udp://$at:25632"]}]
portal: {interface: inet256}
firewall: {rules: [{allow: any, from: peers}]}
END
        net_start "$box" "$WORK/$box/log" "$BINARY" up --config "$WORK/$box/config.yaml"
        PAIR+=("$STARTED")
    done
    TARGET=$("$BINARY" ip6-addr --private-key "$WORK/b/key")
}
