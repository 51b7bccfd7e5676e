import MillraceLog
extension LogStore {
    func createLogs(_ ids: [UInt64]) throws(LogError) { for id in ids { _ = try createLog(id) } }
    func removeLog(_ id: UInt64) throws(LogError) {}
}
