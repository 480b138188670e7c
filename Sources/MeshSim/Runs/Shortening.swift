/// Leaves out of a list that fails as much as can be left out and still have it fail (delta debugging): halves, then quarters, at
/// last single steps, until not one can go. Then each step is made simpler, by the first of its `simpler` forms that fails too.
/// Not every shortest list is found, and none that is found can be shortened by one step.
package func shortened<Step>(
    _ steps: [Step], simpler: (Step) -> [Step] = { _ in [] }, fails: ([Step]) -> Bool
) -> [Step] {
    var shortest = steps
    var size = max(1, steps.count / 2)
    while true {
        let before = shortest.count
        shortest = without(size, shortest, fails)
        if size > 1 {
            size /= 2
        } else if shortest.count == before {
            break
        }
    }
    var place = 0
    while place < shortest.count {
        let forms = simpler(shortest[place]).lazy.map { form in
            var changed = shortest
            changed[place] = form
            return changed
        }
        if let changed = forms.first(where: fails) { shortest = changed } else { place += 1 }
    }
    return shortest
}

/// Goes once over the list and leaves out what it can, `size` steps at a time.
private func without<Step>(_ size: Int, _ steps: [Step], _ fails: ([Step]) -> Bool) -> [Step] {
    var steps = steps
    var place = 0
    while place < steps.count {
        var fewer = steps
        fewer.removeSubrange(place..<min(place + size, steps.count))
        if fails(fewer) { steps = fewer } else { place += size }
    }
    return steps
}
