/// The real records that all of this works on: the first flights of 2013, kept in the repository.
enum Fixture {
    static func flights() throws -> Flights {
        // This file stands five names below the repository's root.
        let root = #filePath.split(separator: "/").dropLast(5).joined(separator: "/")
        return try Flights(path: "/\(root)/fixtures/events/flights-4000.ndjson")
    }
}
