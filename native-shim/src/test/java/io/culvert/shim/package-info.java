/** Tests of the shim. */
@NullMarked
package io.culvert.shim;

import org.jspecify.annotations.NullMarked;
