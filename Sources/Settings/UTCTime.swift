/// Times as the configuration writes them: UTC as in RFC 3339, "2026-12-29T10:00:00Z", or a day alone, which stands for its beginning.
/// Whatever YAML may take an unquoted one for, it is read as it is written.
package enum UTCTime {
    /// In seconds since 1970: to the end of the year 9999, since a year has four digits.
    package static let range: ClosedRange<Int64> = 0...253_402_300_799

    static let expected =
        "a time in UTC such as 2026-12-29T10:00:00Z, or a day such as 2026-12-29 (its beginning in UTC)"

    /// Why a text is no time.
    enum Fault: Error, Hashable, CustomStringConvertible {
        case form
        /// None is said, or another one than UTC.
        case zone
        case day
        case hour
        case early

        var description: String {
            switch self {
            case .form: "this has another form"
            case .zone: "a Z at the end says that it is UTC, and other zones are not possible"
            case .day: "there is no such day"
            case .hour: "there is no such time of day"
            case .early: "this is before 1970"
            }
        }
    }

    private static let secondsADay = 86_400
    /// Of the year 1, to the beginning of 1970.
    private static let daysTo1970 = days(before: 1970)

    /// In seconds since 1970.
    static func parse(_ text: String) throws(Fault) -> Int64 {
        let bytes = Array(text.utf8)
        guard hasForm("0000-00-00", bytes.prefix(10)) else { throw .form }
        let (year, month, day) = (number(bytes[0..<4]), number(bytes[5..<7]), number(bytes[8..<10]))
        guard year >= 1970 else { throw .early }
        guard (1...12).contains(month), (1...length(of: month, in: year)).contains(day) else { throw .day }
        let days = (1..<month).reduce(days(before: year)) { $0 + length(of: $1, in: year) } + day - 1
        let seconds = try secondsOfDay(Array(bytes.dropFirst(10)))
        return Int64((days - daysTo1970) * secondsADay + seconds)
    }

    /// The long form; what is out of `range` is shown as its nearest end.
    package static func text(_ seconds: Int64) -> String {
        let seconds = Int(min(max(seconds, range.lowerBound), range.upperBound))
        var days = seconds / secondsADay + daysTo1970
        // No year is longer, so this is not too late.
        var year = days / 366 + 1
        while Self.days(before: year + 1) <= days { year += 1 }
        days -= Self.days(before: year)
        var month = 1
        while days >= length(of: month, in: year) {
            days -= length(of: month, in: year)
            month += 1
        }
        let rest = seconds % secondsADay
        return "\(padded(year, 4))-\(padded(month))-\(padded(days + 1))"
            + "T\(padded(rest / 3600)):\(padded(rest / 60 % 60)):\(padded(rest % 60))Z"
    }

    /// Of what stands behind the day; nothing is its beginning.
    private static func secondsOfDay(_ bytes: [UInt8]) throws(Fault) -> Int {
        if bytes.isEmpty { return 0 }
        guard hasForm("T00:00:00", bytes.prefix(9)) else { throw .form }
        let zone = bytes.dropFirst(9)
        guard let sign = zone.first else { throw .zone }
        guard zone.elementsEqual("Z".utf8) else { throw "+-".utf8.contains(sign) ? .zone : .form }
        let (hour, minute, second) = (number(bytes[1..<3]), number(bytes[4..<6]), number(bytes[7..<9]))
        guard hour < 24, minute < 60, second < 60 else { throw .hour }
        return hour * 3600 + minute * 60 + second
    }

    /// Whether digits stand where `form` has a zero, and its very characters elsewhere.
    private static func hasForm(_ form: String, _ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.count == form.utf8.count
            && zip(form.utf8, bytes).allSatisfy { $0 == 0x30 ? (0x30...0x39).contains($1) : $0 == $1 }
    }

    /// Of digits.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int { digits.reduce(0) { $0 * 10 + Int($1 - 0x30) } }

    private static func padded(_ number: Int, _ count: Int = 2) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, count - digits.count)) + digits
    }

    /// From the beginning of the year 1, by the Gregorian calendar.
    private static func days(before year: Int) -> Int {
        let past = year - 1
        return past * 365 + past / 4 - past / 100 + past / 400
    }

    /// In days.
    private static func length(of month: Int, in year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension ConfigurationValue {
    /// In seconds since 1970.
    func utcTime() -> Int64? {
        guard let text = text(expected: UTCTime.expected) else { return nil }
        do throws(UTCTime.Fault) {
            return try UTCTime.parse(text)
        } catch {
            complain(expected: error == .form ? UTCTime.expected : "\(UTCTime.expected); \(error)")
            return nil
        }
    }
}
