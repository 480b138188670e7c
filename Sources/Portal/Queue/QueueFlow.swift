/// One flow's packets, oldest first, linked by their slots' numbers.
struct QueueFlow {
    /// Slots of the oldest and of the newest packet; -1 for none.
    var head: Int32 = -1
    var tail: Int32 = -1
    /// The flow that comes after this one in its list.
    var next = Self.notListed
    /// Bytes that it may still send in this turn.
    var deficit: Int32 = 0
    /// Bytes and packets that wait, and the longest that came since the flow was listed.
    var bytes = 0
    var count: Int32 = 0
    var largest: Int32 = 0
    var control = DelayControl()

    /// Values of `next` besides numbers of flows.
    static let notListed: Int32 = -2
    static let endOfList: Int32 = -1
}

/// A list of flows that wait for their turn, linked through them.
struct FlowList {
    private(set) var head = QueueFlow.endOfList
    private var tail = QueueFlow.endOfList

    mutating func append(_ flow: Int32, in flows: UnsafeMutablePointer<QueueFlow>) {
        flows[Int(flow)].next = QueueFlow.endOfList
        if tail >= 0 { flows[Int(tail)].next = flow } else { head = flow }
        tail = flow
    }

    /// Takes the first one out. There is one.
    mutating func removeFirst(in flows: UnsafeMutablePointer<QueueFlow>) {
        let first = Int(head)
        head = flows[first].next
        if head < 0 { tail = QueueFlow.endOfList }
        flows[first].next = QueueFlow.notListed
    }
}
