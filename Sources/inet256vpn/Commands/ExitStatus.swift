internal import Settings

/// What the program tells its caller. Thrown, it ends a command without a further word.
enum ExitStatus: Int32, Error {
    case success = 0
    /// It was tried and did not work, or the answer is no.
    case failure = 1
    /// The command line or a configuration is wrong: trying again does not help.
    case usage = 2
    /// No daemon answers.
    case unreachable = 3
    /// A permission is missing (EX_NOPERM of sysexits.h).
    case permission = 77

    static let help = """
        EXIT STATUS
          0   done
          1   it was tried and failed, or nothing answered
          2   wrong usage or configuration
          3   the daemon cannot be reached
          77  a permission is missing
        """
}

/// An error that knows its exit status.
protocol StatusError: Error, CustomStringConvertible {
    var exitStatus: ExitStatus { get }
}

/// A failure in words.
struct CommandFailure: StatusError {
    var exitStatus: ExitStatus
    var description: String

    init(_ exitStatus: ExitStatus, _ description: String) {
        self.exitStatus = exitStatus
        self.description = description
    }
}
