internal import Glibc

/// A file descriptor with one owner, closed when the owner goes, on whichever way out.
struct OwnedDescriptor: ~Copyable {
    let number: Int32

    /// Takes over an open descriptor.
    init(owning number: Int32) { self.number = number }

    deinit { close(number) }

    /// Hands it over to the caller, who closes it.
    consuming func release() -> Int32 {
        let number = number
        discard self
        return number
    }
}
