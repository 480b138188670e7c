/// Messages one behind the other, in a ring that grows to what once waited and is used again.
struct MessageLine {
    /// A power of two, so that places are found by a mask.
    private var places: [Message?] = Array(repeating: nil, count: 16)
    private var front = 0
    private(set) var count = 0
    /// Of all payloads.
    private(set) var byteCount = 0

    var first: Message? { count > 0 ? places[front] : nil }

    mutating func append(_ message: Message) {
        if count == places.count { grow() }
        places[(front + count) & (places.count - 1)] = message
        count += 1
        byteCount += message.payload.count
    }

    mutating func popFirst() -> Message? {
        guard count > 0 else { return nil }
        let message = places[front].take()
        front = (front + 1) & (places.count - 1)
        count -= 1
        byteCount -= message?.payload.count ?? 0
        return message
    }

    private mutating func grow() {
        let inOrder = Array(places[front...]) + places[..<front]
        places = inOrder + Array(repeating: nil, count: inOrder.count)
        front = 0
    }
}
