// A request as values by the paths of the service model, so that any one of them can be changed.

import MillraceModel

struct Sample {
    enum Value: Hashable, CustomStringConvertible {
        case text(String)
        case number(Int)
        /// A blob of so many bytes.
        case bytes(Int)
        /// A list of so many members, or a map of so many entries; what is in them stands below.
        case members(Int)
        case entries(Int)
        /// A structure; what is in it stands below.
        case structure

        var length: Int {
            switch self {
            case .text(let text): text.unicodeScalars.count
            case .bytes(let count), .members(let count), .entries(let count): count
            case .number, .structure: 0
            }
        }

        var number: Int { if case .number(let number) = self { number } else { 0 } }

        var echo: String {
            switch self {
            case .text(let text): text
            case .number(let number): "\(number)"
            case .bytes(let count): "(\(count) bytes)"
            case .members(let count): "(\(count) members)"
            case .entries(let count): "(\(count) entries)"
            case .structure: "{}"
            }
        }

        /// The front, for a test that failed.
        var description: String { String(echo.prefix(80)) }
    }

    /// What is absent has no value.
    var values: [String: Value] = [:]

    // MARK: Reading

    func text(_ path: String) -> String? { if case .text(let text) = values[path] { text } else { nil } }
    func number(_ path: String) -> Int? { values[path]?.number }
    func has(_ path: String) -> Bool { values[path] != nil }
    func data(_ path: String) -> [UInt8]? { values[path].map { [UInt8](repeating: 0, count: $0.length) } }
    var stream: StreamReference {
        StreamReference(name: text("StreamName"), arn: text("StreamARN"), id: text("StreamId"))
    }

    func list(_ path: String) -> [String]? {
        values[path].map { Array(repeating: text(path + ".[]") ?? "", count: $0.length) }
    }

    var tags: [String: String]? {
        guard let count = values["Tags"]?.length else { return nil }
        // The first key is the sample's, the others are short ones that differ from it and from each other.
        let keys = (0..<count).map { $0 == 0 ? text("Tags.{key}") ?? "" : "#\($0)" }
        return Dictionary(keys.map { ($0, text("Tags.{value}") ?? "") }, uniquingKeysWith: { first, _ in first })
    }

    var records: [PutEntry]? {
        values["Records"].map { value in
            Array(
                repeating: PutEntry(
                    data: data("Records.[].Data"), partitionKey: text("Records.[].PartitionKey"),
                    explicitHashKey: text("Records.[].ExplicitHashKey")),
                count: value.length)
        }
    }

    // MARK: What an error calls it

    /// The names under which the member at `path` occurs in errors; none when what is around it is absent.
    func places(of path: String) -> [String] {
        var names = [""]
        var walked = ""
        for part in path.split(separator: ".").map(String.init) {
            if !walked.isEmpty && !walked.hasSuffix("[]") {
                guard let around = values[walked], part != "[]" || around.length > 0 else { return [] }
                if ["{key}", "{value}"].contains(part) { return around.length > 0 ? names : [] }
                if part == "[]" {
                    // Lists of texts have their errors at the list, lists of structures at each member.
                    if path == walked + ".[]" { return names }
                    names = names.flatMap { name in (1...around.length).map { "\(name).\($0).member" } }
                }
            }
            walked += walked.isEmpty ? part : "." + part
            if part == "[]" { continue }
            let name = part.prefix(1).lowercased() + part.dropFirst()
            names = names.map { $0.isEmpty ? name : "\($0).\(name)" }
        }
        return names
    }

    /// The list or map around a path that ends in `[]`, `{key}` or `{value}`, as an error repeats it.
    func whole(_ path: String) -> String {
        let around = path.split(separator: ".").dropLast().joined(separator: ".")
        if path.hasSuffix("[]") { return "[" + (list(around) ?? []).joined(separator: ", ") + "]" }
        let pairs = (tags ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return "{" + pairs.joined(separator: ", ") + "}"
    }
}
