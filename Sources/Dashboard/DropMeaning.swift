/// What each reason for a drop means, in one sentence. The names are those of `status` and of the metrics.
package enum DropMeaning {
    package static func of(_ reason: String) -> String? { sentences[reason] }

    package static let sentences: [String: String] = [
        // Datagrams that say nothing to us.
        "malformed_datagram": "No datagram of this protocol: port scans, or another program on this port.",
        "unknown_index":
            "For a session that this box does not have: usually after a restart, until the other end notices.",
        "transport_before_finish": "Data that came before the handshake was through; it is sent again.",
        // Handshakes.
        "handshake_unknown_address": "A call for an address that is not on this box.",
        "handshake_bad_mac":
            "A call by somebody who does not know whom he calls: scans, or a peer configured with another address.",
        "handshake_over_budget": "More calls than this box answers: a flood, or very many restarts at once.",
        "handshake_cookie_demanded": "Callers were asked to prove their endpoint first, as there were many.",
        "handshake_forged": "A handshake that did not decrypt: damage on the way, or forgery.",
        "handshake_zero_key": "A handshake with a key that no honest program makes.",
        "handshake_bad_identity": "An identity that does not fit its key.",
        "handshake_wrong_address": "Somebody else answered than was called: the endpoint of a peer is another box's.",
        "handshake_no_common_suite":
            "No cipher in common: crypto.min_suite or crypto.ciphers on one side is too strict.",
        "handshake_unexpected": "A handshake message that fits no call of ours: a repetition, or late.",
        "handshake_timeout": "A handshake that was begun and not ended: a peer that is away, or a firewall in between.",
        "second_machine": "Of another machine that has the same key as the one that has the link.",
        "cookie_forged": "A cookie that is not genuine.",
        "hint_ignored": "A hint about a lost session that nobody had to give.",
        // Sealed frames.
        "forged": "A datagram that did not decrypt: damage on the way, or forgery.",
        "replayed": "A datagram that was here before: repeated by the network, or by somebody.",
        "counter_beyond_limit": "A datagram behind the end of its key's life.",
        "key_expired": "A datagram under a key that was given up.",
        "malformed_frame": "Decrypted, and not in order: a fault of the other end's program.",
        "unknown_frame": "A kind of frame that this version does not know: the other end is newer.",
        "fragment_malformed": "A piece that does not fit the others.",
        "fragment_expired": "Pieces of a message of which some never came: loss on the way.",
        // Relaying and routing.
        "relay_not_a_link": "Somebody without a link wanted this box to relay.",
        "relay_hop_limit": "It was relayed too often: a circle, for a moment, while routes changed.",
        "relay_no_route": "To be relayed to an address that cannot be reached from here.",
        "relay_nested": "A relayed datagram within a relayed one.",
        "control_not_a_link": "Routing news from somebody without a link.",
        "control_refused": "Routing news that is not in order.",
        "hello_too_soon": "More link requests than are listened to.",
        "service_too_often": "More between daemons than is listened to.",
        "links_full": "No room for another link.",
        // Sending.
        "message_too_large": "An application's message larger than its way carries.",
        "node_closed": "For a node of this box that is gone.",
        "pending_full": "Too much waited for a handshake.",
        "pending_expired": "It waited too long for a handshake: the other end cannot be reached.",
        "sessions_full": "No room for another session.",
        "amplification_limit": "Not sent to an endpoint that is not proved yet: it would be more than came from there.",
        "path_shrank": "Larger than its path carries since lately; the sender was told.",
        "outbox_full": "More in one turn than can be sent.",
        "no_reader": "Messages for an application that does not read.",
        "handover_full": "Between the threads was no room: this box is at its limit.",
        // Applications.
        "api_prohibited": "Applications' messages that api.allow does not let through.",
        "api_full": "An application that reads too slowly.",
        "api_malformed": "An application's frame that is not in order.",
        "api_closed": "For an application that has gone.",
        // Sockets.
        "socket_full": "The kernel took no more to send: the network is slower than what is sent.",
        "socket_overflow": "The kernel had no room for what came in: this box is at its limit.",
        "socket_truncated": "A datagram larger than any of this protocol.",
        "socket_unreachable": "There is no route to where it should go.",
        "socket_denied": "Another firewall of this machine does not let it out.",
        "socket_failed": "The kernel refused to send it.",
        // The firewall's standing rules: not all of them drop.
        "echo": "Pings from the mesh that were allowed.",
        "invalid": "Packets that belong to no connection and begin none.",
        "no_network": "To be forwarded to or from what networks: does not name.",
        "icmpv6_over_limit": "ICMPv6 errors beyond the limit of those that belong to no known connection.",
        "cut": "Of connections that were ended, as new rules would not let them begin.",
        // The portal.
        "prohibited": "portal.allow leaves that node out.",
        "no such node": "To an address that nobody in the mesh has, or who is away.",
        "own datagram": "A datagram of the mesh itself, routed into the portal: a peer's endpoint within the prefix.",
        "interface down": "The portal's interface is down.",
        "interface full": "The kernel had no room for what came out of the mesh.",
        "refused by kernel": "The kernel did not take a packet.",
        "late in queue": "Waited too long, so that the sender slows down: the usual way of congestion control.",
        "queue full": "More waited to be sent than there is room for.",
        "congestion": "Marked as congested on its way, and the receiver cannot be told otherwise.",
        "not IPv6": "The mesh carries IPv6 alone.",
        "malformed": "A packet that is cut off, or whose length is wrong.",
        "source not ours": "From an address that is neither this box's nor in a network behind it.",
        "destination outside the prefix":
            "To an address that nobody here has: neither in the portal's prefix nor in a network.",
        "multicast": "Multicast is not carried.",
        "link-local": "Link-local addresses mean nothing beyond a link.",
        "source not the sender's":
            "A peer sent from an address that is not its own: no source is believed but the key's.",
        "destination not ours": "For somebody else: the portal is not a way through.",
        "destination behind this box": "For a network behind this box to which the kernel has no route.",
        "unfounded ICMPv6 error":
            "An error that quotes a packet that was not sent so: nobody may slow connections down that he does not see.",
        "ICMPv6 for a link": "Router and neighbour messages, which have no business in the mesh.",
    ]
}
