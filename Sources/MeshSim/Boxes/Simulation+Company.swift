package import Mesh
package import Wire

/// What stands beside the boxes of a simulation and has to do with their messages, as a portal has. It is told what happens to a box, by
/// its place.
package protocol Company: AnyObject {
    /// A box begins, with its key and nothing else that it had before.
    func started(_ place: Int, _ box: MeshBox, now: Instant)
    /// It ends, as a power cut or SIGTERM has it.
    func ended(_ place: Int)
    /// A message reached a node of the box; its bytes stay only until this returns. False where it is nothing for this company.
    func take(_ delivery: Delivery, at place: Int, now: Instant) -> Bool
    /// The box has done what a datagram or its timer wanted; what it puts out is sent afterwards.
    func turnEnds(_ place: Int, now: Instant)
    /// When there is something to do at the end of a turn, whatever the box itself wants.
    func deadline(_ place: Int) -> Instant
}

extension Simulation {
    /// Joins the boxes that there are and those that come; one at a time.
    package func accompany(by company: any Company) {
        self.company = company
        for place in 0..<count {
            if let box = box(place) { company.started(place, box, now: now) }
        }
    }

    /// Lets something be done to a box from outside, in a turn of its own.
    package func touch(_ place: Int, _ body: (MeshBox) -> Void) {
        guard let box = nodes[place].box else { return }
        nodes[place].pace.disturbed()
        box.beginTurn()
        body(box)
        settle(place)
    }
}
