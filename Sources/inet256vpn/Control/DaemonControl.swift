internal import AdminProtocol
internal import Dashboard
internal import INET256
internal import Joining

/// What the control side may ask of the running daemon. The data plane's side implements it by its mailbox and
/// its published snapshots; nothing here waits on the data plane's thread.
protocol DaemonControl: Sendable {
    func status() async -> StatusReport

    /// What this machine's network allows.
    func netcheck() async -> NetcheckReport

    /// The firewall's rules with their counters.
    func firewall() async -> FirewallReport

    /// The policy in force, line by line.
    func firewallLines() async -> FirewallLines

    /// The firewall's table as nft text; nil when none is in force.
    func firewallText() async -> String?

    /// Where packets for the mesh and for networks go.
    func dashboardRoutes() async -> [DashboardRoute]

    /// Whether the rules in force would let a new connection begin.
    func wouldAllow(_ question: AllowedQuestion) async -> AllowedOutcome

    /// Sends one ping of `bytes` of payload and waits for its answer, at most for `timeout`. May end early when
    /// the task is cancelled.
    func ping(_ target: Address, bytes: Int, timeout: Duration) async -> PingOutcome

    /// Reads the configuration file again and applies what can be applied. Throws, with everything as it was,
    /// when the file is not in order.
    /// - Parameter cut: end what is open and what the new rules would not let begin.
    func reload(cut: Bool) async throws -> ReloadSummary

    /// Begins again in its own place, in a moment. Throws, with everything as it was, when the next run would not come up.
    func restart() async throws -> RestartAnswer

    /// Makes an invitation.
    func invite(_ request: InviteRequest) async throws -> InviteAnswer

    /// All invitations that are remembered.
    func invitations() async throws -> InvitationList

    /// Takes an open invitation back.
    /// - Returns: whether there was one.
    func revoke(_ id: InvitationID) async throws -> Bool

    /// Calls an inviter and shows it the proof of an invitation.
    func join(_ order: JoinOrder) async throws -> JoinOutcome
}
