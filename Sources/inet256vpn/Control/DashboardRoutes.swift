internal import API
internal import Dashboard

/// The page for the browser. It reads; nothing that can be asked here changes anything.
struct DashboardRoutes<Control: DaemonControl>: APIResponder {
    let control: Control
    let keeper: DashboardKeeper<Control>

    /// What a browser is to keep to, with every answer.
    private static var fields: [APIResponse.Field] {
        [
            .init("content-security-policy", Page.policy),
            .init("x-content-type-options", "nosniff"),
            .init("referrer-policy", "no-referrer"),
            .init("cross-origin-resource-policy", "same-origin"),
            .init("x-frame-options", "DENY"),
        ]
    }

    func respond(to request: APIRequest) async -> APIResponse {
        var response = await answer(to: request)
        response.fields = Self.fields
        return response
    }

    private func answer(to request: APIRequest) async -> APIResponse {
        guard request.method == "GET" else { return .methodNotAllowed(request.method, allowed: "GET") }
        switch request.path {
        case "/": return html(await keeper.model())
        case "/data.json": return json(Parts.json(Parts(await keeper.model()).current))
        case "/history.json": return json(Parts.json(Parts(await keeper.model()).lastHour))
        case "/allowed":
            var model = await keeper.model()
            let question = AllowedQuestion(FormQuery(request.query))
            model.question = question
            model.answer = await judge(question)
            return html(model)
        case "/allowed.json":
            return json(Page.answerJSON(await judge(AllowedQuestion(FormQuery(request.query)))))
        case "/style.css": return Self.asset("text/css; charset=utf-8", Style.text)
        case "/page.js": return Self.asset("text/javascript; charset=utf-8", Script.text)
        case "/icon.svg": return Self.asset("image/svg+xml", Icon.text)
        default: return .notFound(request.path)
        }
    }

    private func judge(_ question: AllowedQuestion) async -> AllowedOutcome {
        let fields = [question.from, question.to, question.at]
        guard fields.allSatisfy({ $0.utf8.count <= AllowedQuestion.longest }) else {
            return .refused("at most \(AllowedQuestion.longest) bytes in a field")
        }
        guard fields.allSatisfy({ $0.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f } }) else {
            return .refused("control characters are no part of a name")
        }
        guard !question.from.isEmpty, !question.to.isEmpty else {
            return .refused("say who (a peer's name, an address, a group) and for what (ssh, tcp/22)")
        }
        return await control.wouldAllow(question)
    }

    private func html(_ model: DashboardModel) -> APIResponse {
        Self.asset("text/html; charset=utf-8", Page.html(model))
    }

    private func json(_ text: String) -> APIResponse { Self.asset("application/json", text) }

    private static func asset(_ type: String, _ text: String) -> APIResponse {
        APIResponse(status: 200, contentType: type, body: Array(text.utf8))
    }
}

extension AllowedQuestion {
    /// What the form sends.
    fileprivate init(_ query: FormQuery) {
        self.init(
            from: query["from"] ?? "", to: query["to"] ?? "", at: query["at"] ?? "", isOutbound: query["way"] == "out")
    }
}
