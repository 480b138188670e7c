/// A small curve of the last hour, and the same in words for those who do not see it.
struct Sparkline {
    private let values: [Float]
    private let ceiling: Float?

    /// Points of a curve: one for six samples, their mean.
    private static let points = 60
    private static let (width, height) = (120.0, 24.0)

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

    private func svg(top: Float, _ text: String) -> Node {
        let top = ceiling.map { min($0, max(top, 1)) } ?? top
        var lines: [Node] = []
        var points: [String] = []
        func end() {
            // A point alone is no line.
            if points.count == 1, let point = points.first { points.append(point) }
            if !points.isEmpty {
                lines.append(.element("polyline", [.init("points", points.joined(separator: " "))], []))
            }
            points = []
        }
        for (place, value) in values.enumerated() {
            guard !value.isNaN else {
                end()
                continue
            }
            let x = Double(place) * Self.width / Double(max(1, values.count - 1))
            let y = Self.height - 1 - Double(min(value, top) / top) * (Self.height - 2)
            points.append("\(Words.fixed(x, 0)),\(Words.fixed(y, 1))")
        }
        end()
        return .element(
            "svg",
            [
                .init("class", "spark"), .init("viewBox", "0 0 120 24"), .init("aria-hidden", "true"),
                .init("focusable", "false"),
            ], lines)
    }
}
