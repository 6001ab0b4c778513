/** Tests of the redirect rules. */
@NullMarked
package io.culvert.cni.redirect;

import org.jspecify.annotations.NullMarked;
