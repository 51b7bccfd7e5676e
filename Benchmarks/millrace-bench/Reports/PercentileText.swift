#if Tools
    import Foundation

    /// A row's percentiles in the text format of HdrHistogram (`.hgrm`), in microseconds, for the tools that plot it.
    ///
    /// A row does not count its calls, so the total count is that of its records, of one repetition, divided by the records in
    /// a call; the comment at the end says so. Mean and deviation are left out: percentiles do not give them.
    func hgrm(of row: Row) -> String {
        let batch = max(row.batch ?? 1, 1)
        let total = (row.records + batch - 1) / batch
        var text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
        for (share, nanoseconds) in row.pointsOfPercentiles {
            // A millionth less, because shares are not exact.
            let count = Int((share * Double(total) - 1e-6).rounded(.up))
            text += String(format: "%12.3f %2.12f %10d", nanoseconds / 1000, share, max(count, 1))
            // The last one has no fourth column: it would be infinite.
            text += share < 1 ? String(format: " %14.2f\n", 1 / (1 - share)) : "\n"
        }
        let greatest = row.pointsOfPercentiles.last?.y ?? 0
        text += String(format: "#[Max     = %12.3f, Total count    = %12d]\n", greatest / 1000, total)
        return text + "#[us; total count is \(row.records) records in calls of \(batch)]\n"
    }
#endif
