/// Finds what somebody meant to type.
package enum NearMiss {
    /// The candidate that `text` is closest to, where it is close enough to be a slip: a third of its length in
    /// edits at most (insert, delete, replace, swap), letter case and `-` for `_` not counted.
    package static func of(_ text: String, among candidates: some Sequence<String>) -> String? {
        let typed = normal(text)
        guard !typed.isEmpty, typed.count <= 64 else { return nil }
        var best: (candidate: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(typed, normal(candidate))
            if distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        guard let best, best.distance <= max(1, max(typed.count, best.candidate.count) / 3) else { return nil }
        return best.candidate
    }

    private static func normal(_ text: String) -> [Character] {
        Array(text.lowercased().map { $0 == "-" || $0 == " " ? "_" : $0 })
    }

    /// The optimal string alignment distance.
    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 1...a.count {
            var row = [i] + [Int](repeating: 0, count: b.count)
            for j in 1...b.count {
                let replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                row[j] = min(replaced, last[j] + 1, row[j - 1] + 1)
                if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
                    row[j] = min(row[j], beforeLast[j - 2] + 1)
                }
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
