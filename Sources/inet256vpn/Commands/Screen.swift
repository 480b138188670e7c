internal import Glibc
internal import Synchronization

/// Where `top` shows itself: a terminal's second screen, or lines where there is no terminal.
struct Screen {
    /// Whether each picture takes the place of the one before.
    let isRedrawn: Bool
    /// How the terminal was; nil where no keys are read.
    private var settings: termios?

    private static let ended = Atomic(false)
    private static let stopped = Atomic(false)
    /// Looks for a key and for the end so often, in milliseconds.
    private static let glance: Int32 = 100

    static let plain = Screen(isRedrawn: false, settings: nil)

    /// Takes the terminal, where there is one.
    static func open() -> Screen {
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number) { _ in Screen.ended.store(true, ordering: .relaxed) }
        }
        signal(SIGTSTP) { _ in Screen.stopped.store(true, ordering: .relaxed) }
        let isDumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? true
        guard isatty(STDOUT_FILENO) == 1, !isDumb else { return plain }
        var screen = Screen(isRedrawn: true, settings: nil)
        var now = termios()
        if isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &now) == 0 { screen.settings = now }
        screen.take()
        return screen
    }

    private func take() {
        if var settings {
            // Keys at once and unseen; Ctrl-C stays a signal.
            settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
            tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        }
        // The second screen, no cursor, and what is too long is cut (xterm's control sequences 1049, 25 and 7).
        if isRedrawn { Output.write("\u{1b}[?1049h\u{1b}[?25l\u{1b}[?7l") }
    }

    /// Ctrl-Z: the shell gets its terminal as it was, and gives it back when it goes on.
    private func pause() {
        close()
        // To this thread: of a signal to the process another one may be told, and this one would go on for a moment.
        raise(SIGSTOP)
        take()
    }

    /// Gives the terminal back as it was.
    func close() {
        if isRedrawn { Output.write("\u{1b}[?7h\u{1b}[?25h\u{1b}[?1049l") }
        if var settings { tcsetattr(STDIN_FILENO, TCSANOW, &settings) }
    }

    /// - Parameter picture: the lines, for so many characters in a line and so many lines.
    func show(_ picture: (TerminalText, _ width: Int, _ height: Int) -> [String]) {
        let (width, height) = Self.size()
        let text = TerminalText.standardOutput
        guard isRedrawn else { return printLines(picture(text, width ?? 120, .max) + [""]) }
        let lines = picture(text, width ?? 80, height ?? 24)
        // In place, in one piece: it does not flicker.
        Output.write("\u{1b}[H" + lines.map { $0 + "\u{1b}[K" }.joined(separator: "\n") + "\u{1b}[J")
    }

    /// False when it is to end: a signal, or the key q.
    func wait(_ time: Duration) -> Bool {
        let end = ContinuousClock.now + time
        while ContinuousClock.now < end {
            if Self.ended.load(ordering: .relaxed) { return false }
            if Self.stopped.exchange(false, ordering: .relaxed) { pause() }
            let left = max(1, (end - ContinuousClock.now) / .milliseconds(1))
            var entry = pollfd(fd: settings == nil ? -1 : STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, min(Self.glance, Int32(left))) > 0 else { continue }
            var key: UInt8 = 0
            // A terminal that is gone asks for the end too.
            if read(STDIN_FILENO, &key, 1) != 1 || key == UInt8(ascii: "q") || key == 4 { return false }
        }
        return !Self.ended.load(ordering: .relaxed)
    }

    private static func size() -> (Int?, Int?) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (getenv("COLUMNS").flatMap { Int(String(cString: $0)) }.map { min(max($0, 1), 1000) }, nil)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }
}
