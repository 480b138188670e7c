/// Numbers as people read them. No locale has a part in it: the page is English wherever the box is.
package enum Words {
    /// With so many digits behind the point, rounded; "-" for what is no number.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "-" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let whole = Int64((abs(value) * scale).rounded())
        let unit = Int64(scale)
        let sign = value < 0 && whole > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(whole)" }
        let rest = String(whole % unit)
        return "\(sign)\(whole / unit)." + String(repeating: "0", count: digits - rest.count) + rest
    }

    /// "0 B", "1.5 KiB", "12 MiB".
    static func bytes(_ count: UInt64) -> String {
        if count < 1024 { return "\(count) B" }
        var value = Double(count) / 1024
        for unit in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
            if value < 1000 { return fixed(value, value < 9.95 ? 1 : 0) + " " + unit }
            value /= 1024
        }
        return fixed(value, 1) + " EiB"
    }

    /// Bits a second, in powers of ten as networks are measured: "0 bit/s", "1.5 Mbit/s".
    package static func rate(_ bytesPerSecond: Double) -> String {
        guard bytesPerSecond.isFinite else { return "-" }
        var value = max(0, bytesPerSecond * 8)
        for unit in ["bit/s", "kbit/s", "Mbit/s"] {
            if value < 999.5 { return fixed(value, unit != "bit/s" && value < 9.95 ? 1 : 0) + " " + unit }
            value /= 1000
        }
        return fixed(value, value < 9.95 ? 1 : 0) + " Gbit/s"
    }

    /// "45 s", "12 min", "3 h 5 min", "2 d 4 h".
    static func time(_ seconds: Double) -> String {
        let whole = seconds.isFinite ? Int(max(0, min(seconds, 1e10))) : 0
        let (days, hours, minutes) = (whole / 86400, whole / 3600 % 24, whole / 60 % 60)
        if days > 0 { return "\(days) d \(hours) h" }
        if hours > 0 { return "\(hours) h \(minutes) min" }
        return minutes > 0 ? "\(minutes) min" : "\(whole) s"
    }

    static func milliseconds(_ value: Double) -> String {
        fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0) + " ms"
    }

    static func percent(_ value: Double) -> String {
        value < 0.05 ? "0 %" : fixed(min(value, 100), value < 9.95 ? 1 : 0) + " %"
    }

    /// "1 rule", "2 rules".
    static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
