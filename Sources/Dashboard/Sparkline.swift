/// A small curve of the last hour, and the same in words for those who do not see it.
struct Sparkline {
    private let values: [Float]
    private let ceiling: Float?

    /// Points of a curve: one for six samples, their mean.
    private static let points = 60
    private static let height = 24

    /// - Parameter ceiling: what the curve does not go beyond; without one its highest value is at the top.
    init(_ samples: [Float], ceiling: Float? = nil) {
        self.ceiling = ceiling
        let size = max(1, samples.count / Self.points)
        values = stride(from: 0, to: samples.count, by: size).map { begin in
            let known = samples[begin..<min(begin + size, samples.count)].filter { !$0.isNaN }
            return known.isEmpty ? .nan : known.reduce(0, +) / Float(known.count)
        }
    }

    func nodes(_ words: (Double) -> String) -> [Node] {
        let known = values.filter { !$0.isNaN }
        guard let low = known.min(), let high = known.max(), let last = known.last else { return [.text("-")] }
        let text = "\(words(Double(low))) to \(words(Double(high))), last \(words(Double(last)))"
        return [svg(top: max(high, 1e-6), text), .text(" "), .element("small", [], text)]
    }

    /// Whole numbers, and no point in the middle of a level stretch: with hundreds of peers they are most of what is sent.
    private func svg(top: Float, _ text: String) -> Node {
        let top = ceiling.map { min($0, max(top, 1)) } ?? top
        var lines: [Node] = []
        var points: [(x: Int, y: Int)] = []
        func end() {
            // A point alone is no line.
            if points.count == 1, let point = points.first { points.append((point.x + 1, point.y)) }
            let text = points.map { "\($0.x),\($0.y)" }.joined(separator: " ")
            if !points.isEmpty { lines.append(.element("polyline", [.init("points", text)], [])) }
            points = []
        }
        for (x, value) in values.enumerated() {
            guard !value.isNaN else {
                end()
                continue
            }
            let y = Self.height - 1 - Int((min(value, top) / top * Float(Self.height - 2)).rounded())
            if points.count > 1, points[points.count - 1].y == y, points[points.count - 2].y == y {
                points.removeLast()
            }
            points.append((x, y))
        }
        end()
        return .element(
            "svg",
            [
                .init("class", "spark"), .init("viewBox", "0 0 60 24"), .init("preserveAspectRatio", "none"),
                .init("aria-hidden", "true"),
            ], lines)
    }
}
