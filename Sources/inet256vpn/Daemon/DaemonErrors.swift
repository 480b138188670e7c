internal import Mesh
internal import Netlink
internal import Portal
internal import System
internal import Transport

// Which exit status the data plane's errors mean.

extension PortalError: StatusError {
    var exitStatus: ExitStatus {
        switch self {
        case .noPrivilege: .permission
        case .badPlan: .usage
        case .kernel(let error): error.isPermission ? .permission : .failure
        case .foreignInterface, .busyInterface, .prefixTaken: .failure
        }
    }
}

extension TunError: StatusError {
    var exitStatus: ExitStatus {
        switch self {
        case .notPermitted: .permission
        case .badName: .usage
        case .noDriver, .busy, .wrongKind, .gone, .failed: .failure
        }
    }
}
