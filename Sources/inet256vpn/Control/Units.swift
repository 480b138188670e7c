internal import Foundation

/// Numbers for people.
enum Units {
    /// "1 rule", "2 rules".
    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    /// "0 B", "1.5 KiB", "12 MiB": three digits at most.
    static func bytes(_ count: UInt64) -> String {
        if count < 1024 { return "\(count) B" }
        var value = Double(count) / 1024
        for unit in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
            if value < 10 { return String(format: "%.1f %@", value, unit) }
            if value < 1000 { return String(format: "%.0f %@", value, unit) }
            value /= 1024
        }
        return String(format: "%.0f EiB", value)
    }

    /// "45s", "12m", "3h 05m", "2d 4h".
    static func time(_ seconds: Double) -> String {
        let whole = Int(max(0, min(seconds, 1e10)))
        let (days, hours, minutes) = (whole / 86400, whole / 3600 % 24, whole / 60 % 60)
        if days > 0 { return "\(days)d \(hours)h" }
        if hours > 0 { return String(format: "%dh %02dm", hours, minutes) }
        if minutes > 0 { return "\(minutes)m" }
        return "\(whole)s"
    }

    /// "0%", "0.4%", "12%".
    static func percent(_ value: Double) -> String {
        value < 0.05 ? "0%" : value < 10 ? String(format: "%.1f%%", value) : String(format: "%.0f%%", min(value, 100))
    }

    /// "0.42 ms", "12.3 ms", "250 ms": as ping(8) does.
    static func milliseconds(_ value: Double) -> String {
        let digits = value < 1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0
        return String(format: "%.*f ms", digits, value)
    }
}
