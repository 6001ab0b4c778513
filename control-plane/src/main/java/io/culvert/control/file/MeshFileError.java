package io.culvert.control.file;

/**
 * One thing that is wrong in a {@code mesh.yaml}.
 *
 * @param file the file as it was named to us
 * @param line from 1; 0 when the whole file is meant
 * @param column from 1; 0 when the whole file is meant
 * @param path which field, such as {@code workloads[2].addresses[0]}; empty when the whole file is meant
 * @param reason what is wrong
 * @param fix what to do about it
 */
public record MeshFileError(String file, int line, int column, String path, String reason, String fix) {
    /** {@code file:line:column: path: reason; fix}. */
    @Override
    public String toString() {
        String place = line > 0 ? ":" + line + ":" + column : "";
        return file + place + ": " + (path.isEmpty() ? "" : path + ": ") + reason + "; " + fix;
    }
}
