/// What to do about a warning. Warnings are sentences of the daemon, most of which say it themselves; the page adds a command or a key.
enum Advice {
    static func about(_ warning: String) -> String {
        for (words, advice) in known where warning.contains(words) { return advice }
        return "inet256vpn status says more, and so does the log: journalctl -u inet256vpn"
    }

    private static let known: [(String, String)] = [
        ("NO FIREWALL", "Set firewall.enabled: true, then: sudo inet256vpn reload"),
        (
            "decides about the same packets",
            "Let that table accept what comes by the portal's interface; inet256vpn firewall show names it."
        ),
        (
            "data plane does not answer",
            "sudo systemctl restart inet256vpn, and keep the log for a report: journalctl -u inet256vpn"
        ),
        ("is open to other machines", "Where that is not meant: a loopback address, and allow_remote: false."),
        ("two machines", "Give one of the two a key of its own: inet256vpn keygen"),
        ("same key", "Give one of the two a key of its own: inet256vpn keygen"),
        ("max_nodes", "Raise max_nodes of the network in the configuration, then restart."),
        (
            "forwarding",
            "sudo inet256vpn reload puts it back; see which other program changes it: sysctl -a --pattern forwarding"
        ),
        ("unreachable", "sudo inet256vpn check"),
        ("readable", "chmod 600 on the file that is named."),
        ("permission", "chmod 600 on the file that is named."),
        ("never matches", "sudo inet256vpn firewall check shows which rule hides it."),
        ("shadow", "sudo inet256vpn firewall check shows which rule hides it."),
    ]
}
