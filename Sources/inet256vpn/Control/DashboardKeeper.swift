internal import AdminProtocol
internal import Dashboard

/// What the page is made from. However many ask, the daemon is asked once a second at most: an answer is measured in the kernel.
actor DashboardKeeper<Control: DaemonControl> {
    private let control: Control
    private let events: EventRing
    private var history = History()
    private var last: (at: ContinuousClock.Instant, model: DashboardModel)?
    private var asking: Task<DashboardModel, Never>?
    private let began = ContinuousClock.now

    private static var freshness: Duration { .seconds(1) }

    init(control: Control, events: EventRing) {
        self.control = control
        self.events = events
    }

    func model() async -> DashboardModel {
        if let last, ContinuousClock.now - last.at < Self.freshness { return last.model }
        if let asking { return await asking.value }
        let task = Task { await ask() }
        asking = task
        let model = await task.value
        asking = nil
        last = (ContinuousClock.now, model)
        return model
    }

    /// Takes a sample of every link, to be done every `History.interval` seconds.
    func sample() async {
        let status = await model().status
        history.take(status.peers, at: (ContinuousClock.now - began) / .seconds(1))
        // What is shown next has it.
        last = nil
    }

    private func ask() async -> DashboardModel {
        async let status = control.status()
        async let firewall = control.firewall()
        async let routes = control.dashboardRoutes()
        return DashboardModel(
            status: await status, firewall: await firewall, history: history, events: events.all, routes: await routes)
    }
}
