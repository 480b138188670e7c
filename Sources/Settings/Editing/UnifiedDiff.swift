/// The difference of two texts as diff(1) shows it with -u.
package enum UnifiedDiff {
    private static let context = 3

    /// Nothing where they are the same.
    package static func lines(_ old: String, _ new: String, name: String) -> [String] {
        let before = split(old)
        let after = split(new)
        var removed: Set<Int> = []
        var added: Set<Int> = []
        for change in after.difference(from: before) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        guard !removed.isEmpty || !added.isEmpty else { return [] }
        var script: [Line] = []
        var (i, j) = (0, 0)
        while i < before.count || j < after.count {
            if removed.contains(i) {
                script.append(Line(sign: "-", text: before[i], old: i, new: j))
                i += 1
            } else if added.contains(j) {
                script.append(Line(sign: "+", text: after[j], old: i, new: j))
                j += 1
            } else {
                script.append(Line(sign: " ", text: before[i], old: i, new: j))
                (i, j) = (i + 1, j + 1)
            }
        }
        return ["--- \(name)", "+++ \(name)"] + hunks(script)
    }

    private struct Line {
        let sign: String
        let text: Substring
        /// Lines before it.
        let old: Int
        let new: Int
    }

    private static func hunks(_ script: [Line]) -> [String] {
        var lines: [String] = []
        var start = 0
        while let first = script[start...].firstIndex(where: { $0.sign != " " }) {
            var last = first
            while let next = script[(last + 1)...].firstIndex(where: { $0.sign != " " }), next - last <= 2 * context + 1
            {
                last = next
            }
            let hunk = script[max(start, first - context)..<min(script.count, last + context + 1)]
            guard let head = hunk.first else { break }
            let old = hunk.count { $0.sign != "+" }
            let new = hunk.count { $0.sign != "-" }
            lines.append("@@ -\(range(head.old, old)) +\(range(head.new, new)) @@")
            for line in hunk {
                // Scalars, since a carriage return and a line feed are one character.
                let hasEnd = line.text.unicodeScalars.last == "\n"
                lines.append(line.sign + String(line.text.unicodeScalars.dropLast(hasEnd ? 1 : 0)))
                if !hasEnd { lines.append("\\ No newline at end of file") }
            }
            start = last + 1
        }
        return lines
    }

    private static func range(_ before: Int, _ count: Int) -> String {
        count == 1 ? "\(before + 1)" : "\(count == 0 ? before : before + 1),\(count)"
    }

    /// With their line feeds.
    private static func split(_ text: String) -> [Substring] {
        var lines: [Substring] = []
        let scalars = text.unicodeScalars
        var start = scalars.startIndex
        while start < scalars.endIndex {
            let end = scalars[start...].firstIndex(of: "\n").map { scalars.index(after: $0) } ?? scalars.endIndex
            lines.append(Substring(scalars[start..<end]))
            start = end
        }
        return lines
    }
}
