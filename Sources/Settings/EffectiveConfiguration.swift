internal import Yams

/// A configuration as `check` shows it: every key with its value, defaults filled in, names resolved. The YAML form
/// is itself a valid configuration that means the same.
package struct EffectiveConfiguration: Encodable {
    private let shown: Shown

    package init(_ configuration: Configuration) { shown = Configuration.table.shown(configuration) }

    package func yaml() throws -> String {
        let encoder = YAMLEncoder()
        encoder.options.width = -1
        return try encoder.encode(self)
    }

    package func encode(to encoder: any Encoder) throws { try shown.encode(to: encoder) }
}
