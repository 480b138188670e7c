internal import API
internal import Firewall
internal import Glibc
internal import Settings

// Which exit status the errors of other layers mean.

extension ConfigurationError: StatusError {
    var exitStatus: ExitStatus {
        switch self {
        case .unreadable(let error): error.code == EACCES || error.code == EPERM ? .permission : .usage
        case .invalid, .doubtful: .usage
        }
    }
}

extension KeyFileError: StatusError {
    var exitStatus: ExitStatus {
        switch self {
        case .unreadable(let error):
            error.code == EACCES || error.code == EPERM || error.code == EROFS ? .permission : .usage
        // Such as a full disk: nothing to be written otherwise.
        case .unwritable(let error): error.exitStatus
        case .exists: .failure
        case .notAKey, .exposed, .doubtful: .usage
        }
    }
}

extension FileError: StatusError {
    var exitStatus: ExitStatus {
        code == EACCES || code == EPERM || code == EROFS ? .permission : .failure
    }
}

extension FirewallError: StatusError {
    /// EPERM also means that the table belongs to another process: then more privilege would not help.
    var exitStatus: ExitStatus { (code == EPERM || code == EACCES) && owner == nil ? .permission : .failure }
}

extension APIClientError: StatusError {
    var exitStatus: ExitStatus {
        switch self {
        case .notRunning, .timedOut: .unreachable
        case .noPermission: .permission
        case .cancelled, .broken: .failure
        }
    }
}

extension APIServerError: StatusError {
    var exitStatus: ExitStatus {
        switch self {
        case .system(_, _, let code) where code == EACCES || code == EPERM || code == EROFS: .permission
        case .anotherIsRunning, .notASocket, .system, .other: .failure
        }
    }
}
