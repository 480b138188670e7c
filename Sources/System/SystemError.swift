internal import Glibc

/// A system call that failed: what was tried, on what, what the kernel said and what to do about it.
package struct SystemError: Error, Equatable, CustomStringConvertible {
    /// What was tried, as a person would say it: "bind".
    package let operation: String
    /// What it was tried on: "UDP [::]:25632".
    package let object: String
    /// The kernel's errno.
    package let code: Int32
    /// What the user can do, or nil where there is nothing to say.
    package let advice: String?

    package init(_ operation: String, _ object: String, code: Int32, advice: String? = nil) {
        self.operation = operation
        self.object = object
        self.code = code
        self.advice = advice
    }

    /// "cannot bind UDP [::]:25632: Address already in use; stop the program that …"
    package var description: String {
        "cannot \(operation) \(object): \(ErrnoText.text(code))" + (advice.map { "; \($0)" } ?? "")
    }
}

/// The C library's words for an errno.
package enum ErrnoText {
    /// strerror(3) may share one buffer among threads; this form does not.
    package static func text(_ code: Int32) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let base = buffer.baseAddress, strerror_r(code, base, buffer.count) == 0 else {
                return "error \(code)"
            }
            return String(cString: base)
        }
    }
}
