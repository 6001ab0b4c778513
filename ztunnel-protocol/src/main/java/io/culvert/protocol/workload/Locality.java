package io.culvert.protocol.workload;

/**
 * Where a workload runs; empty parts are unknown.
 *
 * @param region cloud region
 * @param zone availability zone
 * @param subzone rack or similar
 */
public record Locality(String region, String zone, String subzone) {
    public static final Locality UNKNOWN = new Locality("", "", "");
}
