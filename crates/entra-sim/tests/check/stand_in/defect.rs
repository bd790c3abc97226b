//! The ways in which the stand-in can be wrong, one at a time.

macro_rules! defects {
    ($($name:ident),* $(,)?) => {
        /// One mistake of the stand-in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Defect { $($name),* }

        impl Defect {
            /// Every mistake it can make.
            pub(crate) const ALL: &[Defect] = &[$(Defect::$name),*];
        }
    };
}

defects! {
    // Basics
    UsersNotCreated, GroupsMissing, ReadByIdMissing, PatchMissing,
    // Connection
    AbsentTokenAccepted, AnyTokenAccepted, PlainJsonType, AcceptDemanded, AcceptMissed, TwentyReadsAllowed, TrailingSlashUnknown, UnknownQueryKeyRefused,
    ShortTokenLife, AssertionRefused,
    // Discovery
    SchemasNotCounted, SchemasWithNulls, SchemaByUrnMissing, SchemasWithoutGroup, SchemasWithoutExternalId,
    SchemasWithoutCanonicalTypes, ResourceTypesMissing, ConfigDeniesPatch,
    // Queries
    EmptyFilterNotFound, BareEnvelope, EqMeansContains, IdUnfilterable, ExternalIdUnfilterable, ValueFilterIgnored,
    GroupsUnfilterable, GroupExternalIdUnfilterable, UserNameFilterRespectsCase, DisplayNameFilterRespectsCase,
    ExternalIdFilterIgnoresCase, FilterNamesRespectCase, PlusNotDecoded, EscapesNotDecoded, UnquotedRefused,
    ManagerFilterAlwaysTrue, MemberFilterAlwaysTrue, MalformedFilterIgnored, DeepFilterBreaks, StartIndexZeroRefused,
    PagePastEndNotFound, StartIndexIgnored, StartIndexNotEchoed, GroupsNotPaged, WalkByOffset, LargePagesRefused,
    // Creation
    CreateAnswersOk, MetaTakenFromClient, NullsRefused, NullsReturned, UnknownSchemaRefused, UndeclaredExtensionDropped,
    CustomExtensionRefused, ActiveWordKeptAtCreation, UserNameOptional, MalformedJsonBreaks, DuplicatesAccepted,
    ConflictWithoutScimType, UniquenessRespectsCase, UnknownAttributeRefused, ForeignNullsRefused, BodyNamesRespectCase, IdTakenFromClient,
    ExternalIdRequired, ExternalIdUnique, EmailUnique, UserNameLowerCased, DeletedUserNameKept, UserNameNotEchoed,
    DisplayNameNotEchoed,
    // Errors and deletion
    UnknownIdIsBadRequest, UnknownIdPatched, StatusAsNumber, DetailMissing, SecondDeleteAccepted, UserDeleteHides,
    GroupDeleteIgnored, GroupNameKept,
    // PATCH of users
    LowerCaseOpRefused, CapitalisedOpRefused, MixedOpsRefused, UnknownOpIgnored, NotAtomic, PathRespectsCase,
    ValuePathAppends, UrnSplitAtDot, DotAfterUrnRefused, PathlessRefused, DottedKeysLiteral, UrnKeysLiteral,
    UserExternalIdImmutable, RenameRecreates, TakenNameAccepted, UnknownPathBreaks, RepeatedAddRefused, DisabledHiddenById,
    DisabledHiddenInLists, ManagerReturnedAsWord, ManagerWordRefused, ManagerArrayRefused, ManagerRemovalIgnored,
    EmptyManagerRefused, ActiveWordKept, ActiveWordAlwaysTrue, MissingElementIgnored, MissingElementRefused,
    MissingElementWithoutType, AddressPartsScattered, WrappedValueKept, EmptyWordRefused, NullIgnored, PhoneValidated,
    RolesDroppedAtCreation, PrimaryWordUnmatched, RoleTextKept, RolesReplaceAppends,
    // The RFC to the letter
    NoTargetTolerated, RemoveWithoutPathTolerated, IdPatchTolerated, BooleanWordTolerated, PutMerges,
    // The profile interop
    InteropNotClaimed, BulkNotClaimed, BulkMissing, PasswordDescribed, PasswordTaken, UnknownAttributeTolerated,
    UndescribedExtensionTolerated, PathlessTolerated, MemberValuePathUnmatched, ManyOperationsRefused, HugePages,
    CursorsNotClaimed, CursorsStandStill,
    // Groups
    VendorUrnRefused, ExcludedMembersReturned, GroupPatchReturnsMembers, ValueListRemovesAll, ValueListRefused,
    ValuePathRemovesAll, RemoveAllRefused, MembersRepeated, AbsentMemberRefused, BareMemberRefused, ExtraKeysRefused,
    LastOperationOnly, MembersCapped, ParallelAddsLost, DisabledLosesMembership, RenameClearsMembers,
    FilteredGroupWithoutMembers, GroupRenameIgnored,
}
